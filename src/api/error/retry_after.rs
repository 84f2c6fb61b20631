//! How long to wait, in all the spellings that are met.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};

use crate::{
    Limits,
    encoding::json::{self, RawObject},
};

/// When a server wants to be asked again
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#rate-limiting)).
///
/// It comes as a header with a number of seconds or a date, or, from early servers, as
/// `retry_after_ms` in the body. The header counts if it can be read. A date needs a clock, which the
/// host has:
///
/// ```
/// use strongroom::{Limits, api};
///
/// let response = http::Response::builder()
///     .status(429)
///     .header("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")
///     .body(r#"{"errcode":"M_LIMIT_EXCEEDED"}"#)?;
/// let error = api::get_current_backup_version().read_response(&response, &Limits::default()).unwrap_err();
/// assert!(error.is_rate_limited());
///
/// let now_ms = 1_445_412_470_000; // ten seconds before that
/// let wait = error.retry_after().map(|retry_after| retry_after.wait(now_ms));
/// assert_eq!(wait, Some(std::time::Duration::from_secs(10)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetryAfter {
    when: When,
    longest: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum When {
    /// So long after the response.
    After(Duration),
    /// At this time, from the epoch on.
    At(Duration),
}

impl RetryAfter {
    /// How long to wait, if it is so many milliseconds since the epoch now and the response has just
    /// come. Never longer than [`Limits::retry_after_ms`]; zero for a time that has passed.
    #[must_use]
    pub fn wait(&self, now_ms: u64) -> Duration {
        self.asked_for(now_ms).min(self.longest)
    }

    /// How long the server asks to wait, however long that is.
    #[must_use]
    pub fn asked_for(&self, now_ms: u64) -> Duration {
        match self.when {
            When::After(wait) => wait,
            When::At(time) => time.saturating_sub(Duration::from_millis(now_ms)),
        }
    }

    /// Reads the header, otherwise the body.
    pub(super) fn read(
        headers: &HeaderMap,
        body: Option<&mut RawObject<'_>>,
        limits: &Limits,
    ) -> Option<Self> {
        let mut values = headers.get_all(header::RETRY_AFTER).iter();
        let in_header = values.find_map(|value| from_header(value.to_str().ok()?.trim()));
        let when = in_header.or_else(|| {
            let ms = json::integer(body?.take("retry_after_ms")?).filter(|ms| *ms >= 0)?;
            Some(When::After(Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))))
        })?;
        Some(Self { when, longest: Duration::from_millis(limits.retry_after_ms) })
    }
}

fn from_header(value: &str) -> Option<When> {
    if let Some(seconds) = digits(value) {
        return Some(When::After(Duration::from_secs(seconds)));
    }
    // A date before the epoch has passed like any other.
    let date = httpdate::parse_http_date(value).ok()?;
    Some(When::At(date.duration_since(UNIX_EPOCH).unwrap_or_default()))
}

/// Digits alone; too many of them are the largest number.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}
