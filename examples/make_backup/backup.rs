//! Makes a backup and writes its files, in memory that does not grow with it.

use std::{collections::BTreeMap, error::Error, fmt, fs, io, path::Path};

use rayon::prelude::*;
use serde_json::json;
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, BackupVersionInfo, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, SealOptions,
        SessionSealer, TrustedBackup,
    },
    ids::RoomId,
};
use vodozemac::olm::Account;

#[path = "malformation.rs"]
mod malformation;
#[path = "session.rs"]
mod session;

use crate::files::{NewFile, SessionsFile};
use malformation::{ALL, Malformation, RESTORED};
use session::{Entry, Session};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What was made.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    sessions: usize,
    verdicts: BTreeMap<&'static str, usize>,
}

/// Makes a backup with so many sessions, of which this share is malformed.
pub(crate) fn make(folder: &Path, sessions: usize, broken: Option<f64>) -> Result<Summary> {
    fs::create_dir_all(folder)?;
    let key = BackupDecryptionKey::generate()?;
    let info = json!({
        "algorithm": MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        "auth_data": {"public_key": key.public_key().to_base64(), "signatures": {}},
        "count": sessions,
        "etag": "1",
        "version": "1",
    });
    let info = info.to_string();
    let version = BackupVersionInfo::from_json(info.as_bytes(), &Limits::default())?;
    let backup = TrustedBackup::by_decryption_key(&version, &key, &[])?;

    let mut files = Files::create(folder, broken.is_some())?;
    let sealer = SessionSealer::for_sessions(&backup, sessions);
    let maker = Maker { sealer, key: &key, broken };
    let mut places = places().enumerate().take(sessions);
    loop {
        let batch: Vec<_> = places.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let entries: Result<Vec<_>> =
            batch.par_chunks(PIECE).map(|part| maker.make(part)).collect();
        for entry in entries?.into_iter().flatten() {
            files.push(entry)?;
        }
    }
    let summary = files.finish()?;
    write(&folder.join("backup_info.json"), info.as_bytes())?;
    write(
        &folder.join("recovery_key.txt"),
        key.to_recovery_key().to_text().expose_str().as_bytes(),
    )?;
    Ok(summary)
}

/// Makes entries, on several threads.
struct Maker<'a> {
    sealer: SessionSealer,
    key: &'a BackupDecryptionKey,
    broken: Option<f64>,
}

impl Maker<'_> {
    /// The entries for sessions with these numbers in these rooms.
    fn make(&self, places: &[(usize, usize)]) -> Result<Vec<Entry>> {
        let sender = Account::new();
        let session =
            |room: usize| Session::new(RoomId::new(format!("!{room:018}:example.org")), &sender);
        let sessions: Result<Vec<_>> = places.iter().map(|(_, room)| session(*room)).collect();
        let sessions = sessions?;
        let to_seal: Vec<_> =
            sessions.iter().map(|one| (&one.room_id, &one.data, SealOptions::default())).collect();
        let sealed = self.sealer.seal(&to_seal)?;
        let each = places.iter().zip(sessions).zip(&sealed);
        each.map(|(((number, _), session), sealed)| match self.malformation(*number) {
            None => session.sealed(sealed),
            Some(how) => session.malformed(how, self.key),
        })
        .collect()
    }

    /// What is wrong with the session of this number: exactly the wanted share is spread over all.
    fn malformation(&self, number: usize) -> Option<&'static Malformation> {
        let rate = self.broken?;
        let before = (number as f64 * rate).floor();
        let after = ((number + 1) as f64 * rate).floor();
        // A count of sessions: far below where an f64 has no more integers.
        (after > before).then(|| &ALL[before as usize % ALL.len()])
    }
}

/// The files that are written while the sessions are made.
struct Files {
    response: NewFile,
    truth: SessionsFile,
    expected: Option<NewFile>,
    last: Option<Entry>,
    summary: Summary,
}

impl Files {
    fn create(folder: &Path, expected: bool) -> io::Result<Self> {
        let mut response = NewFile::create(&folder.join("room_keys.json"))?;
        response.write(b"{\"rooms\":{")?;
        let path = folder.join("expected.json");
        let expected = if expected {
            let mut file = NewFile::create(&path)?;
            file.write(b"{\"sessions\":[")?;
            Some(file)
        } else {
            // That of another backup would be untrue.
            fs::remove_file(&path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
            None
        };
        let truth = SessionsFile::create(&folder.join("sessions.json"))?;
        Ok(Self { response, truth, expected, last: None, summary: Summary::default() })
    }

    fn push(&mut self, mut entry: Entry) -> Result<()> {
        let last = self.last.take();
        let same_room = last.filter(|last| last.room_id == entry.room_id);
        let before = match (self.summary.sessions, &same_room) {
            (0, _) => "",
            (_, None) => "}},",
            (_, Some(_)) => ",",
        };
        if let Some(last) = same_room.as_ref().filter(|_| entry.is_repeat) {
            entry = last.clone();
        }
        self.response.write(before.as_bytes())?;
        if same_room.is_none() {
            self.response
                .write(format!("{}:{{\"sessions\":{{", json!(entry.room_id)).as_bytes())?;
        }
        self.response.write(format!("{}:{}", json!(entry.session_id), entry.json).as_bytes())?;
        self.record(&entry)?;
        self.last = Some(entry);
        Ok(())
    }

    fn record(&mut self, entry: &Entry) -> Result<()> {
        if let Some(truth) = &entry.truth {
            self.truth.push(truth)?;
        }
        if let Some(expected) = &mut self.expected {
            let line = json!({
                "room_id": entry.room_id,
                "session_id": entry.session_id,
                "verdict": entry.verdict,
            });
            let comma = if self.summary.sessions > 0 { ",\n" } else { "" };
            expected.write(format!("{comma}{line}").as_bytes())?;
        }
        self.summary.sessions += 1;
        *self.summary.verdicts.entry(entry.verdict).or_default() += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Summary> {
        let end = if self.summary.sessions > 0 { "}}}}" } else { "}}" };
        self.response.write(end.as_bytes())?;
        self.response.finish()?;
        self.truth.finish()?;
        if let Some(mut expected) = self.expected {
            expected.write(format!("],{}}}\n", self.summary.totals()).as_bytes())?;
            expected.finish()?;
        }
        Ok(self.summary)
    }
}

impl Summary {
    /// The totals as members of a JSON object.
    fn totals(&self) -> String {
        let restored = self.verdicts.get(RESTORED).copied().unwrap_or_default();
        let mut causes = self.verdicts.clone();
        causes.remove(RESTORED);
        let failed = self.sessions - restored;
        let causes = json!(causes);
        format!(
            r#""total":{},"restored":{restored},"failed":{failed},"causes":{causes}"#,
            self.sessions
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sessions:", self.sessions)?;
        self.verdicts.iter().try_for_each(|(verdict, count)| write!(f, " {count} {verdict}"))
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = NewFile::create(path)?;
    file.write(text)?;
    file.write(b"\n")?;
    file.finish()
}

/// The room of each session: many rooms have a few, a few rooms have many.
fn places() -> impl Iterator<Item = usize> {
    let sizes = [1, 2, 40, 1, 5, 3, 120, 1, 8, 400, 2, 13].into_iter().cycle();
    sizes.enumerate().flat_map(|(room, size)| std::iter::repeat_n(room, size))
}

/// Sessions that are held at a time.
const BATCH: usize = 4096;

/// Sessions that one thread makes at a time.
const PIECE: usize = 256;
