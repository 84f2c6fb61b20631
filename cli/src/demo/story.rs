//! How the demo is told: numbered steps, what happened in each and how long it took.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use console::{Style, style};
use indicatif::{ProgressBar, ProgressStyle};

/// Writes the story to standard output. Colour and progress bars appear on a terminal alone.
pub(super) struct Story<W: Write = io::Stdout> {
    out: W,
    steps: u8,
}

impl<W: Write> Story<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, steps: 0 }
    }

    pub(super) fn title(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "{}", style(title).bold())
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: &str) -> io::Result<()> {
        self.steps += 1;
        writeln!(self.out, "\n{} {}", style(self.steps).cyan().bold(), style(title).bold())
    }

    /// Says why something is done.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "  {text}")
    }

    /// Says what was done, and how long it took since `start`.
    pub(super) fn fact(&mut self, verb: &str, what: &str, start: Instant) -> io::Result<()> {
        let verb = Style::new().green().apply_to(format!("{verb:<10}"));
        let took = duration(start.elapsed());
        writeln!(self.out, "  {verb} {what:<58} {:>9}", style(took).dim())
    }

    /// Shows what Alice writes down.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n      {}", style(text).yellow().bold())
    }

    pub(super) fn end(&mut self, equal: bool, took: Duration) -> io::Result<()> {
        let verdict = if equal {
            style("Every message key came back.").green().bold()
        } else {
            style("NOT every message key came back.").red().bold()
        };
        writeln!(self.out, "\n{verdict} The whole story took {}.", duration(took))
    }

    /// A progress bar over so many sessions, on a terminal; nothing elsewhere.
    pub(super) fn progress(&self, length: impl TryInto<u64>) -> ProgressBar {
        let bar = ProgressBar::new(length.try_into().unwrap_or(u64::MAX));
        match ProgressStyle::with_template("  {bar:40} {human_pos} of {human_len}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// A number with its thousands set apart.
pub(super) fn number(number: impl TryInto<u64>) -> String {
    indicatif::HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}

/// A number of bytes in the largest unit that it fills.
pub(super) fn size(bytes: usize) -> String {
    indicatif::DecimalBytes(bytes as u64).to_string()
}

pub(super) fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        0..1_000 => format!("{:.1} ms", duration.as_secs_f64() * 1_000.0),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_without_a_terminal_is_plain_text() -> io::Result<()> {
        console::set_colors_enabled(false);
        let mut out = Vec::new();
        let mut story = Story::new(&mut out);
        story.title("Title")?;
        story.step("First")?;
        story.text("Why.")?;
        story.note("EsTc")?;
        story.step("Second")?;
        story.end(true, Duration::from_millis(1_234))?;
        let end = "Every message key came back. The whole story took 1.23 s.";
        let expected = format!("Title\n\n1 First\n  Why.\n\n      EsTc\n\n2 Second\n\n{end}\n");
        assert_eq!(String::from_utf8_lossy(&out), expected);
        Ok(())
    }

    #[test]
    fn figures_are_easy_to_read() {
        assert_eq!(number(1_234_567_u32), "1,234,567");
        assert_eq!(size(1_300_000), "1.30 MB");
        assert_eq!(duration(Duration::from_micros(12_340)), "12.3 ms");
        assert_eq!(duration(Duration::from_millis(2_500)), "2.50 s");
    }
}
