//! How far long work has come.

use std::borrow::Cow;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar, or, where nobody knows how many there will be, how many there are.
pub(crate) fn of_message_keys(total: Option<u64>) -> ProgressBar {
    if let Some(total) = total {
        return ProgressBar::new(total);
    }
    let bar = ProgressBar::no_length();
    // Without a style there is a bar that is always full.
    match ProgressStyle::with_template("{pos} {msg}") {
        Ok(style) => bar.with_style(style).with_message(Cow::Borrowed("message keys")),
        Err(_) => bar,
    }
}
