//! Finds the end of a JSON value that arrives in pieces, and that it is well-formed up to there.
//!
//! It accepts what `serde_json` accepts as a raw value, without recursion and in memory that the
//! limit on nesting bounds. Strings, nearly all of a response's bytes, are skipped in long runs. Of what
//! is nested deeper than the limit only strings and brackets are followed, to find where it ends.

// docs/decisions.md, 21: a backup is split by our own scanner, and what is broken costs itself.

use memchr::memchr2;

use super::utf8::Utf8Check;

/// Follows one value from its first byte to its last.
#[derive(Debug)]
pub(crate) struct ValueScanner {
    state: State,
    open: Vec<Container>,
    max_depth: usize,
    is_too_deep: bool,
    utf8: Utf8Check,
}

/// A text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError;

impl ValueScanner {
    /// Before the first byte of a value whose arrays and objects may be nested so deep.
    pub(crate) fn new(max_depth: usize) -> Self {
        let utf8 = Utf8Check::default();
        Self { state: State::Value, open: Vec::new(), max_depth, is_too_deep: false, utf8 }
    }

    /// Begins with another value.
    pub(crate) fn restart(&mut self, max_depth: usize) {
        self.state = State::Value;
        self.open.clear();
        self.max_depth = max_depth;
        self.is_too_deep = false;
        self.utf8 = Utf8Check::default();
    }

    /// Goes on with the next bytes: how many belong to the value if it ends among them, otherwise
    /// `None` and all of them do.
    ///
    /// A number ends before the byte that follows it, so it needs one more.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, SyntaxError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.step(rest)?;
            if self.state == State::End {
                return Ok(Some(bytes.len() - rest.len()));
            }
        }
        Ok(None)
    }

    /// Whether its arrays and objects are nested too deep, as far as it has come.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// Whether the value is whole if nothing follows: only a number does not show its own end.
    pub(crate) fn may_end_here(&self) -> bool {
        self.open.is_empty() && matches!(self.state, State::Number(number) if number.is_whole())
    }

    fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        let Some((byte, rest)) = bytes.split_first() else { return Ok(bytes) };
        match self.state {
            State::Text(kind) => return self.text_run(kind, bytes),
            State::Number(number) => {
                let Some(next) = number.next(*byte) else {
                    self.number_end(number)?;
                    return Ok(bytes);
                };
                self.state = State::Number(next);
            }
            State::Literal(left) => self.literal(left, *byte)?,
            State::TooDeep(levels) => self.too_deep(levels, *byte),
            State::Escape(kind) => {
                self.state = match byte {
                    b'u' => State::Hex(kind, 4),
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::Text(kind),
                    _ => return Err(SyntaxError),
                }
            }
            State::Hex(kind, left) => {
                let next = if left == 1 { State::Text(kind) } else { State::Hex(kind, left - 1) };
                self.state = if byte.is_ascii_hexdigit() { next } else { Err(SyntaxError)? };
            }
            _ if is_white_space(*byte) => {}
            _ => self.structure(*byte)?,
        }
        Ok(rest)
    }

    /// A byte between tokens that is no white space.
    fn structure(&mut self, byte: u8) -> Result<(), SyntaxError> {
        self.state = match (self.state, byte) {
            (State::FirstName | State::Name, b'"') => State::Text(Text::Name),
            (State::Colon, b':') => State::Value,
            (State::Separator, b',') => match self.open.last() {
                Some(Container::Object) => State::Name,
                _ => State::Value,
            },
            (State::FirstName | State::Separator, b'}') => return self.close(Container::Object),
            (State::FirstElement | State::Separator, b']') => return self.close(Container::Array),
            (State::Value | State::FirstElement, _) => return self.begin(byte),
            _ => return Err(SyntaxError),
        };
        Ok(())
    }

    fn begin(&mut self, byte: u8) -> Result<(), SyntaxError> {
        self.state = match byte {
            b'{' => self.open(Container::Object),
            b'[' => self.open(Container::Array),
            b'"' => State::Text(Text::Value),
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Whole),
            _ => return Err(SyntaxError),
        };
        Ok(())
    }

    fn open(&mut self, container: Container) -> State {
        if self.open.len() >= self.max_depth {
            self.is_too_deep = true;
            return State::TooDeep(1);
        }
        self.open.push(container);
        match container {
            Container::Object => State::FirstName,
            Container::Array => State::FirstElement,
        }
    }

    /// A byte so many levels below the limit that is in no string.
    fn too_deep(&mut self, levels: usize, byte: u8) {
        match byte {
            b'"' => self.state = State::Text(Text::TooDeep(levels)),
            b'{' | b'[' => self.state = State::TooDeep(levels.saturating_add(1)),
            b'}' | b']' if levels == 1 => self.value_end(),
            b'}' | b']' => self.state = State::TooDeep(levels - 1),
            _ => {}
        }
    }

    fn close(&mut self, container: Container) -> Result<(), SyntaxError> {
        if self.open.pop() != Some(container) {
            return Err(SyntaxError);
        }
        self.value_end();
        Ok(())
    }

    fn value_end(&mut self) {
        self.state = if self.open.is_empty() { State::End } else { State::Separator };
    }

    fn number_end(&mut self, number: Number) -> Result<(), SyntaxError> {
        if !number.is_whole() {
            return Err(SyntaxError);
        }
        self.value_end();
        Ok(())
    }

    fn literal(&mut self, left: &'static [u8], byte: u8) -> Result<(), SyntaxError> {
        match left.split_first() {
            Some((expected, [])) if *expected == byte => self.value_end(),
            Some((expected, left)) if *expected == byte => self.state = State::Literal(left),
            _ => return Err(SyntaxError),
        }
        Ok(())
    }

    /// Goes to the next quote or backslash of a string, and over it.
    fn text_run<'a>(&mut self, kind: Text, bytes: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        let end = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let (run, rest) = bytes.split_at(end);
        // Without an early exit, so that the compiler can look at many bytes at a time.
        let has_control = run.iter().fold(false, |found, byte| found | (*byte < 0x20));
        if has_control || !self.utf8.go_on(run) {
            return Err(SyntaxError);
        }
        let Some((byte, rest)) = rest.split_first() else { return Ok(rest) };
        if !self.utf8.is_whole() {
            return Err(SyntaxError);
        }
        match (byte, kind) {
            (b'"', Text::Name) => self.state = State::Colon,
            (b'"', Text::Value) => self.value_end(),
            (b'"', Text::TooDeep(levels)) => self.state = State::TooDeep(levels),
            _ => self.state = State::Escape(kind),
        }
        Ok(rest)
    }
}

/// Whether JSON allows the byte between tokens.
pub(crate) fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    /// A value, or the end of an empty array.
    FirstElement,
    /// A name, or the end of an empty object.
    FirstName,
    Name,
    Colon,
    /// A comma, or the end of the array or object.
    Separator,
    Text(Text),
    Escape(Text),
    Hex(Text, u8),
    Number(Number),
    Literal(&'static [u8]),
    /// Inside of so many arrays and objects more than are followed.
    TooDeep(usize),
    End,
}

/// What a string is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Name,
    Value,
    /// One that stands so many levels deeper than is followed.
    TooDeep(usize),
}

/// How far a number is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Number {
    fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus | Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-') => Self::ExponentSign,
            (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => {
                Self::ExponentDigits
            }
            _ => return None,
        })
    }

    fn is_whole(self) -> bool {
        matches!(self, Self::Zero | Self::Whole | Self::Fraction | Self::ExponentDigits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// Scans a value in pieces of a length, a byte behind it.
    fn scan(text: &[u8], piece: usize) -> Result<Option<usize>, SyntaxError> {
        let mut scanner = ValueScanner::new(64);
        let mut before = 0;
        for bytes in text.chunks(piece) {
            if let Some(end) = scanner.scan(bytes)? {
                return Ok(Some(before + end));
            }
            before += bytes.len();
        }
        Ok(None)
    }

    fn agrees_with_serde_json(text: &[u8]) {
        let valid = serde_json::from_slice::<&RawValue>(text).is_ok();
        let followed = [text, b","].concat();
        for piece in [1, 2, 3, 7, text.len() + 1] {
            let scanned = scan(&followed, piece);
            let end = text.trim_ascii_end().len();
            let shown = String::from_utf8_lossy(text);
            assert_eq!(scanned == Ok(Some(end)), valid, "{shown} {piece} {scanned:?}");
        }
    }

    #[test]
    fn it_accepts_what_serde_json_accepts() {
        let numbers = "0 00 01 - -0 -01 1. 1.5 1.5e 1e+ 1E-07 .5 +1 1e5.5 --1 1e5 0.0";
        let others = r#"null nul nulx true tru false {} [] [,] [1,] {"a"} {"a":} {"a":1,} {a:1} {,}
            [} {] [1} {"a":1] [[] } {1:2} {"a":1,"b":[true,{}]} {"\"":"\\"} "\u12g4" "\ud800" "\x" "ä🔑" " "a"#;
        for text in numbers.split(' ').chain(others.split_ascii_whitespace()) {
            agrees_with_serde_json(text.as_bytes());
        }
        for text in ["", " \t\n\r1", "[1 2]", "\"a\nb\"", "\"\u{7f}\"", "\u{feff}1", "{\"a\" : 1 }"]
        {
            agrees_with_serde_json(text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_utf_8_is_no_json() {
        for text in [&b"\"\xff\""[..], b"\"\xc3\"", b"\"\xc3\\n\"", b"\"\xed\xa0\x80\"", b"\xc3"] {
            agrees_with_serde_json(text);
        }
    }

    #[test]
    fn nesting_is_limited_before_memory_is_taken() {
        let is_too_deep = |inside: &str, levels: usize, piece| {
            let text = ["[".repeat(levels).as_str(), inside, &"]".repeat(levels)].concat();
            let mut scanner = ValueScanner::new(64);
            let mut ends = text.as_bytes().chunks(piece).map(|bytes| scanner.scan(bytes).unwrap());
            assert_eq!(ends.find_map(|end| end), Some((text.len() - 1) % piece + 1));
            assert!(scanner.open.len() <= 64);
            scanner.is_too_deep()
        };
        for piece in [1, 9, 1 << 20] {
            assert!(!is_too_deep("1", 64, piece));
            assert!(is_too_deep("1", 65, piece));
            assert!(is_too_deep(r#"{"]":"\\\"}","}":{}}"#, 64, piece));
            assert!(is_too_deep("", 100_000, piece));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde_json_on_anything(
            text in r#"([\[\]{}:,"\\ ]|"a"|1|-|\.|e|true|null|\\u00|ä){0,12}"#,
        ) {
            agrees_with_serde_json(text.as_bytes());
        }
    }
}
