//! Integers by their value: `10000`, `10000.0` and `1e4` are one number to every language that writes JSON.
//!
//! Signed objects are not read here: [canonical JSON](crate::encoding::canonical_json) has one way to write an integer.

use serde_json::value::RawValue;

use super::{JsonTextError, public_string};

/// Reads an integer, however the number is written, or a string of digits that some client wrote for one. `None` for
/// anything else, fractions and what no floating-point number holds (`1e400`) among it.
///
/// What is out of range becomes the nearest that is not.
pub(crate) fn integer(value: &RawValue) -> Option<i128> {
    match public_string(value) {
        Ok(text) => integer_from_digits(&text),
        Err(JsonTextError::NotAString) => integer_from_number(value.get()),
        Err(JsonTextError::LoneSurrogate) => None,
    }
}

/// Reads an integer that is not negative and not out of range, as [`integer`] does.
pub(crate) fn lenient_integer(value: &RawValue) -> Option<u64> {
    u64::try_from(integer(value)?).ok()
}

/// Reads an opaque token: a string, or an integer that some server wrote for one.
pub(crate) fn lenient_token(value: &RawValue) -> Option<String> {
    match public_string(value) {
        Ok(text) => Some(text.into_owned()),
        Err(JsonTextError::NotAString) => lenient_integer(value).map(|number| number.to_string()),
        Err(JsonTextError::LoneSurrogate) => None,
    }
}

/// The value of digits, with a minus sign perhaps.
pub(crate) fn integer_from_digits(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { integer_from_number(text) } else { None }
}

/// The value of a number as JSON writes it.
pub(crate) fn integer_from_number(number: &str) -> Option<i128> {
    let absolute = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = absolute.split_once(['e', 'E']).unwrap_or((absolute, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let digits = || whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0');
    let mut places = digits().enumerate().filter(|(_, digit)| *digit != 0).map(|(place, _)| place);
    let Some(first) = places.next() else { return Some(0) };
    let last = places.last().unwrap_or(first);
    // How many digits stand before the point once the exponent has moved it.
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent.parse().ok()?)?;
    let count = usize::try_from(point).ok()?;
    if count <= last || count - first > MAX_DIGITS {
        return None;
    }
    let padded = digits().chain(std::iter::repeat(0)).take(count).skip(first);
    let value =
        padded.fold(0_i128, |value, digit| value.saturating_mul(10).saturating_add(digit.into()));
    Some(if absolute.len() < number.len() { -value } else { value })
}

/// As many as the largest floating-point number of 64 bits has, which is what most languages read.
const MAX_DIGITS: usize = 309;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_integer_is_one_however_it_is_written() {
        for (text, value) in [
            ("7", 7),
            ("\"7\"", 7),
            ("\"-07\"", -7),
            ("10000.0", 10_000),
            ("1e4", 10_000),
            ("1.0E+4", 10_000),
            ("0.5e1", 5),
            ("1000000e-2", 10_000),
            ("-1e1", -10),
            ("-0.0", 0),
            ("0e400", 0),
            ("1e30", 1_000_000_000_000_000_000_000_000_000_000),
            ("1e308", i128::MAX),
            ("-1e308", i128::MIN + 1),
        ] {
            assert_eq!(integer(&raw(text)), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_integer_is_not_rounded_to_one() {
        let others = [
            "1.5",
            "1e-1",
            "100.001e2",
            "1e400",
            "1e99999999999999999999",
            "0.1",
            "\"1e4\"",
            "\"7.0\"",
            "\"x\"",
            "null",
            "[]",
            "\"+7\"",
            "\"\"",
            "\"-\"",
            "true",
            "\"\\ud800\"",
        ];
        for other in others {
            assert_eq!(integer(&raw(other)), None, "{other}");
        }
        for other in ["-1", "1e20", "\"-1\"", "99999999999999999999", "18446744073709551616"] {
            assert_eq!(lenient_integer(&raw(other)), None, "{other}");
        }
    }

    #[test]
    fn a_token_may_be_an_integer() {
        assert_eq!(lenient_token(&raw("12")), Some("12".to_owned()));
        assert_eq!(lenient_token(&raw("12.0")), Some("12".to_owned()));
        assert_eq!(lenient_token(&raw("\"a\\/b\"")), Some("a/b".to_owned()));
        assert_eq!(lenient_token(&raw("\"12.0\"")), Some("12.0".to_owned()));
        assert_eq!(lenient_token(&raw("{}")), None);
    }

    #[test]
    fn a_long_number_costs_no_more_than_its_length() {
        let zeros = "0".repeat(1_000_000);
        assert_eq!(integer(&raw(&format!("7.{zeros}"))), Some(7));
        assert_eq!(integer(&raw(&format!("7{zeros}e-1000000"))), Some(7));
        assert_eq!(integer(&raw(&format!("7{zeros}"))), None);
        assert_eq!(integer(&raw(&format!("0.{zeros}7e1000001"))), Some(7));
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_a_floating_point_number_is(
            whole in 0..100_000_u32, fraction in "[0-9]{0,4}", exponent in -8..8_i32,
        ) {
            let point = if fraction.is_empty() { "" } else { "." };
            let text = format!("{whole}{point}{fraction}e{exponent}");
            // All digits together, in units of the last place that may count.
            let digits: u64 = format!("{whole}{fraction}").parse().unwrap();
            let places = exponent - i32::try_from(fraction.len()).unwrap();
            let expected = if let Ok(up) = u32::try_from(places) {
                Some(digits * 10_u64.pow(up))
            } else {
                let unit = 10_u64.pow(places.unsigned_abs());
                digits.is_multiple_of(unit).then(|| digits / unit)
            };
            prop_assert_eq!(lenient_integer(&raw(&text)), expected);
        }
    }
}
