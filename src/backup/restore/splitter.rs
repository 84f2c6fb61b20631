//! From the bytes of a response to one session at a time.

use super::{
    FailedSession, RoomKeysItem, StreamError,
    name::Name,
    position::{Expected, Found, Level, Purpose},
};
use crate::{
    Limits,
    backup::OpenError,
    encoding::{
        format::FormatProblem,
        json::{Collected, Piece, is_white_space},
    },
    ids::{RoomId, SessionId},
};

/// Splits the response of
/// [`GET /room_keys/keys`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)
/// into its sessions while it arrives.
///
/// The pieces may have any size: what comes out depends on the bytes alone. Of what lies around the
/// sessions nothing is kept, and of a session that came in several pieces only itself, so memory is
/// bounded by [`Limits::session_bytes`]. A name that occurs twice is read twice. What exceeds a limit
/// costs itself alone.
///
/// ```
/// use strongroom::{Limits, backup::{RoomKeysItem, RoomKeysSplitter}};
///
/// let mut splitter = RoomKeysSplitter::new(&Limits::default());
/// let mut sessions = Vec::new();
/// for mut piece in [&br#"{"rooms":{"!a":{"sessio"#[..], br#"ns":{"x":{},"y":null}}}}"#] {
///     while let Some(item) = splitter.next_item(&mut piece)? {
///         if let RoomKeysItem::Session { session_id, .. } = item {
///             sessions.push(session_id.as_str().to_owned());
///         }
///     }
/// }
/// splitter.end()?;
/// assert_eq!(sessions, ["x", "y"]);
/// # Ok::<(), strongroom::backup::StreamError>(())
/// ```
#[derive(Debug)]
pub struct RoomKeysSplitter {
    limits: Limits,
    level: Level,
    expected: Expected,
    piece: Piece,
    is_of_one_room: bool,
    room_id: RoomId,
    session_id: SessionId,
    room_problem: Option<FormatProblem>,
    session_problem: Option<FormatProblem>,
    /// Whether the name that was just read is that of the member that matters on its level.
    name_counts: bool,
    response_has_wanted: bool,
    room_has_sessions: bool,
    error: Option<StreamError>,
}

impl RoomKeysSplitter {
    /// For a response with all rooms.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            level: Level::Response,
            expected: Expected::Response,
            piece: Piece::new(),
            is_of_one_room: false,
            room_id: RoomId::new(""),
            session_id: SessionId::new(""),
            room_problem: None,
            session_problem: None,
            name_counts: false,
            response_has_wanted: false,
            room_has_sessions: false,
            error: None,
        }
    }

    /// For the response of
    /// [`GET /room_keys/keys/{roomId}`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomid),
    /// which does not name its room.
    #[must_use]
    pub fn for_room(room_id: RoomId, limits: &Limits) -> Self {
        Self { is_of_one_room: true, room_id, ..Self::new(limits) }
    }

    /// Takes bytes off the input until something is whole; `None` once the input is used up.
    ///
    /// # Errors
    ///
    /// [`StreamError`] if nothing more can be read, now and from then on.
    pub fn next_item<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<RoomKeysItem<'s>>, StreamError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let found = self.find(input).inspect_err(|error| self.error = Some(*error))?;
        Ok(found.map(|found| match found {
            Found::BrokenRoom => RoomKeysItem::BrokenRoom(&self.room_id),
            Found::Session(collected) => self.session(collected),
        }))
    }

    /// Says that the response ends here.
    ///
    /// # Errors
    ///
    /// [`StreamError`] if it could not be read to its end, or has not reached it.
    pub fn end(&self) -> Result<(), StreamError> {
        match (self.error, self.expected) {
            (Some(error), _) => Err(error),
            (None, Expected::Nothing) => Ok(()),
            (None, Expected::Rest(Purpose::NoResponse)) if self.piece.may_end_here() => {
                Err(StreamError::NotAnObject)
            }
            (None, _) => Err(StreamError::CutOff),
        }
    }

    /// The session that is half read: its name has come, its value has not come to its end.
    #[must_use]
    pub fn half_read(&self) -> Option<(&RoomId, &SessionId)> {
        let is_half_read = self.level == Level::Sessions
            && matches!(self.expected, Expected::Colon | Expected::Value | Expected::Rest(_));
        is_half_read.then_some((&self.room_id, &self.session_id))
    }

    /// How many bytes are held for what came in several pieces: at most about twice
    /// [`Limits::session_bytes`] or [`Limits::name_bytes`].
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.piece.capacity()
    }

    fn session<'a>(&'a self, collected: Collected<'a>) -> RoomKeysItem<'a> {
        let Self { room_id, session_id, limits, .. } = self;
        let error = match (self.room_problem, self.session_problem, collected) {
            (Some(problem), _, _) => OpenError::RoomId(problem),
            (_, Some(problem), _) => OpenError::SessionId(problem),
            (_, _, Collected::TooDeep) => OpenError::TooDeep { limit: limits.response_depth },
            (_, _, Collected::TooLong { found }) => {
                OpenError::TooLarge { limit: limits.session_bytes, found }
            }
            _ => {
                let json = self.piece.bytes(collected);
                return RoomKeysItem::Session { room_id, session_id, json };
            }
        };
        let (room_id, session_id) = (room_id.clone(), session_id.clone());
        RoomKeysItem::FailedSession(FailedSession { room_id, session_id, error })
    }

    fn find<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Found<'a>>, StreamError> {
        while let Some((byte, rest)) = input.split_first() {
            let found = match self.expected {
                Expected::RestOfName => self.name(input)?,
                Expected::Rest(purpose) => self.rest(purpose, input)?,
                _ if is_white_space(*byte) => {
                    *input = rest;
                    None
                }
                Expected::Response | Expected::Value => self.value(*byte, input)?,
                _ => self.between(*byte, input)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What stands between values: names begin, objects end.
    fn between<'a>(
        &mut self,
        byte: u8,
        input: &mut &'a [u8],
    ) -> Result<Option<Found<'a>>, StreamError> {
        if byte == b'"' && matches!(self.expected, Expected::FirstName | Expected::Name) {
            self.piece.begin(0, self.limits.name_bytes);
            self.expected = Expected::RestOfName;
            return Ok(None);
        }
        *input = input.split_first().map_or(*input, |(_, rest)| rest);
        match (self.expected, byte) {
            (Expected::Colon, b':') => self.expected = Expected::Value,
            (Expected::Separator, b',') => self.expected = Expected::Name,
            (Expected::FirstName | Expected::Separator, b'}') => return self.leave(),
            (Expected::Nothing, _) => return Err(StreamError::TrailingBytes),
            _ => return Err(StreamError::Syntax),
        }
        Ok(None)
    }

    fn name<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Found<'a>>, StreamError> {
        let Some(collected) = self.piece.collect(input)? else { return Ok(None) };
        let bytes = self.piece.bytes(collected);
        let name = Name::read(collected, bytes, self.limits.name_bytes)?;
        match self.level {
            Level::Response => self.name_counts = name.is(self.wanted()),
            Level::Room => self.name_counts = name.is(SESSIONS),
            Level::Rooms => {
                self.room_id = RoomId::from(&*name.text);
                self.room_problem = name.problem;
            }
            Level::Sessions => {
                self.session_id = SessionId::from(&*name.text);
                self.session_problem = name.problem;
            }
        }
        self.expected = Expected::Colon;
        Ok(None)
    }

    /// The first byte of a value: goes into the object, or sees to it that the value is passed over.
    fn value<'a>(
        &mut self,
        byte: u8,
        input: &mut &'a [u8],
    ) -> Result<Option<Found<'a>>, StreamError> {
        let (inside, otherwise) = match self.expected {
            Expected::Response => (Some(Level::Response), Purpose::NoResponse),
            _ => self.level.member(self.name_counts, self.is_of_one_room),
        };
        if let Some(inside) = inside.filter(|_| byte == b'{') {
            *input = input.split_first().map_or(*input, |(_, rest)| rest);
            self.enter(inside);
            return Ok(None);
        }
        let depth = match self.expected {
            Expected::Response => 0,
            _ => self.level.depth(self.is_of_one_room),
        };
        let keep = if otherwise == Purpose::Session { self.limits.session_bytes } else { 0 };
        self.piece.begin(self.limits.response_depth.saturating_sub(depth), keep);
        self.expected = Expected::Rest(otherwise);
        Ok(None)
    }

    /// The rest of a value that is not gone into.
    fn rest<'a>(
        &mut self,
        purpose: Purpose,
        input: &mut &'a [u8],
    ) -> Result<Option<Found<'a>>, StreamError> {
        let Some(collected) = self.piece.collect(input)? else { return Ok(None) };
        self.expected = Expected::Separator;
        match purpose {
            Purpose::Nothing => Ok(None),
            Purpose::Session => Ok(Some(Found::Session(collected))),
            Purpose::BrokenRoom => {
                self.room_has_sessions = true;
                Ok(Some(Found::BrokenRoom))
            }
            Purpose::NoMember => Err(StreamError::Member(self.wanted())),
            Purpose::NoResponse => Err(StreamError::NotAnObject),
        }
    }

    fn enter(&mut self, level: Level) {
        match level {
            Level::Response => {}
            Level::Rooms => self.response_has_wanted = true,
            Level::Room => self.room_has_sessions = false,
            Level::Sessions if self.is_of_one_room => self.response_has_wanted = true,
            Level::Sessions => self.room_has_sessions = true,
        }
        self.level = level;
        self.expected = Expected::FirstName;
    }

    fn leave<'a>(&mut self) -> Result<Option<Found<'a>>, StreamError> {
        let left = self.level;
        self.expected = Expected::Separator;
        self.level = match left {
            Level::Sessions if !self.is_of_one_room => Level::Room,
            Level::Room => Level::Rooms,
            Level::Response | Level::Rooms | Level::Sessions => Level::Response,
        };
        if left == Level::Response {
            self.expected = Expected::Nothing;
            if !self.response_has_wanted {
                return Err(StreamError::Member(self.wanted()));
            }
        }
        Ok((left == Level::Room && !self.room_has_sessions).then_some(Found::BrokenRoom))
    }

    /// The member of the response that matters.
    fn wanted(&self) -> &'static str {
        if self.is_of_one_room { SESSIONS } else { ROOMS }
    }
}

const ROOMS: &str = "rooms";
const SESSIONS: &str = "sessions";
