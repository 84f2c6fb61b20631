//! Where in a response the splitter stands.

use crate::encoding::json::Collected;

/// The object that the splitter is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Response,
    Rooms,
    Room,
    Sessions,
}

impl Level {
    /// What a member's value is on this level: what it leads into if it is an object, and what it is
    /// otherwise.
    pub(super) fn member(self, name_counts: bool, is_of_one_room: bool) -> (Option<Self>, Purpose) {
        match self {
            Self::Sessions => (None, Purpose::Session),
            Self::Rooms => (Some(Self::Room), Purpose::BrokenRoom),
            Self::Response | Self::Room if !name_counts => (None, Purpose::Nothing),
            Self::Room => (Some(Self::Sessions), Purpose::BrokenRoom),
            Self::Response if is_of_one_room => (Some(Self::Sessions), Purpose::NoMember),
            Self::Response => (Some(Self::Rooms), Purpose::NoMember),
        }
    }

    /// How many objects deep this one stands, itself included.
    pub(super) fn depth(self, is_of_one_room: bool) -> usize {
        match self {
            Self::Response => 1,
            Self::Rooms => 2,
            Self::Sessions if is_of_one_room => 2,
            Self::Room => 3,
            Self::Sessions => 4,
        }
    }
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Response,
    FirstName,
    Name,
    RestOfName,
    Colon,
    Value,
    Rest(Purpose),
    Separator,
    /// The response is over.
    Nothing,
}

/// What a value that is not gone into is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Nothing,
    Session,
    BrokenRoom,
    NoMember,
    NoResponse,
}

/// What was found, before it is borrowed.
pub(super) enum Found<'a> {
    Session(Collected<'a>),
    BrokenRoom,
}
