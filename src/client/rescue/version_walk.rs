//! Which versions of the backup a homeserver still has.

use crate::{api, backup::BackupVersionInfo, ids::BackupVersion};

/// Finds the versions of a backup: the current one, and then those before it, one request after the other.
///
/// Homeservers number versions, which the specification leaves open, and have no list of them. So the numbers before the
/// current one are asked for, downwards. A version that was deleted is a gap, which ends nothing. If the homeserver does not say
/// which version is the current one, a number that is [known from elsewhere](Self::known) is where the walk begins.
///
/// ```
/// use strongroom::{backup::BackupVersionInfo, client::rescue::VersionWalk};
/// # use strongroom::api;
/// # fn send(_: &api::Request<Option<BackupVersionInfo>>) -> Option<BackupVersionInfo> { None }
///
/// let mut walk = VersionWalk::new(1_000).known(&"7".into());
/// let mut versions = Vec::new();
/// while let Some(request) = walk.request() {
///     // An error is the end, or a version less, as the caller likes: who is offline learns nothing by going on.
///     let answer = send(&request);
///     versions.extend(walk.answer(answer));
/// }
/// assert!(versions.is_empty() && walk.left_out() == 0);
/// ```
#[derive(Debug, Clone)]
pub struct VersionWalk {
    asked: Asked,
    /// How many numbers may still be asked for.
    left: u64,
    known: Option<u64>,
    /// The number of the current one, which is not asked for again.
    current: Option<u64>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Current,
    Number(u64),
    /// Nothing any more; the numbers from this one down were left out.
    Nothing(u64),
}

impl VersionWalk {
    /// Begins with the current version, before which at most so many numbers are asked for: whoever numbers versions can as well
    /// begin at a million.
    #[must_use]
    pub fn new(at_most: u64) -> Self {
        Self { asked: Asked::Current, left: at_most, known: None, current: None }
    }

    /// A version that the account has or had, from a saved state or a file: if no current version is there, or an older one is
    /// said to be it, this one and those before it are asked for.
    #[must_use]
    pub fn known(mut self, version: &BackupVersion) -> Self {
        self.known = self.known.max(number_of(version));
        self
    }

    /// The request to send now; `None` at the end.
    #[must_use]
    pub fn request(&self) -> Option<api::Request<Option<BackupVersionInfo>>> {
        match self.asked {
            Asked::Current => Some(api::get_current_backup_version()),
            Asked::Number(number) => {
                Some(api::get_backup_version(&BackupVersion::new(number.to_string())))
            }
            Asked::Nothing(_) => None,
        }
    }

    /// Whether that request is the one for the current version.
    #[must_use]
    pub fn is_at_current(&self) -> bool {
        self.asked == Asked::Current
    }

    /// Takes the answer to the request, `None` if the version is not there. What is returned is a version that was found: an answer
    /// about another one than was asked for is none.
    pub fn answer(&mut self, answer: Option<BackupVersionInfo>) -> Option<BackupVersionInfo> {
        let number = answer.as_ref().and_then(|info| number_of(info.version()));
        match self.asked {
            Asked::Current => {
                self.current = number;
                self.go_below(number.max(self.known.map(|known| known.saturating_add(1))));
                answer
            }
            Asked::Number(asked) => {
                self.go_below(Some(asked));
                answer.filter(|_| number == Some(asked))
            }
            Asked::Nothing(_) => None,
        }
    }

    /// How many numbers are left out at the end, because they were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        if let Asked::Nothing(number) = self.asked { number } else { 0 }
    }

    fn go_below(&mut self, number: Option<u64>) {
        let mut next = number.unwrap_or_default().saturating_sub(1);
        if Some(next) == self.current {
            next = next.saturating_sub(1);
        }
        self.asked = match self.left.checked_sub(1) {
            Some(left) if next > 0 => {
                self.left = left;
                Asked::Number(next)
            }
            _ => Asked::Nothing(next),
        };
    }
}

fn number_of(version: &BackupVersion) -> Option<u64> {
    version.as_str().parse().ok()
}
