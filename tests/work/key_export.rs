//! Key files, read and written.

use std::io::{Cursor, sink};

use strongroom::{
    Limits,
    key_export::{KeyFile, NewKeyFile},
    session_data::ExportedSession,
};

use super::{Entry, Work, entries::join, texts::session_members};

pub(crate) const ALL: &[Entry] = &[
    Entry { name: "key file: sessions", of: sessions, times: 4 },
    Entry { name: "key file: sessions that are written", of: written, times: 4 },
    Entry { name: "key file: a list that is not encrypted", of: list, times: 4 },
    Entry { name: "key file: entries that are none", of: nothing, times: 4 },
    Entry { name: "key file: one entry without end", of: endless, times: 4 },
    Entry { name: "key file: beginnings of a first line", of: beginnings, times: 4 },
    Entry { name: "key file: base64 without end", of: base64, times: 4 },
];

const PASSPHRASE: &str = "correct horse";

fn entry() -> String {
    format!(r#"{{{},"room_id":"!r:example.org"}}"#, session_members())
}

fn new() -> NewKeyFile {
    let mut new = NewKeyFile::new(PASSPHRASE, NewKeyFile::MIN_ROUNDS).unwrap();
    new.advance(u32::MAX);
    new
}

/// Reads what is a key file, and finds out of what is none.
fn read(file: Vec<u8>) -> Work {
    let length = file.len();
    let read = move || {
        let sessions = match KeyFile::open(Cursor::new(file), &Limits::default()) {
            Ok(KeyFile::Encrypted(file)) => file.unlock(PASSPHRASE).open(),
            Ok(KeyFile::Plain(sessions)) => Ok(sessions),
            Err(_) => return,
        };
        let mut sessions = sessions.unwrap();
        sessions.verdicts().for_each(drop);
        sessions.finish().unwrap();
    };
    (length, Box::new(read))
}

fn sessions(count: usize) -> Work {
    let session = ExportedSession::from_json(entry().as_bytes()).unwrap().value;
    let mut file = Vec::new();
    new().write(&mut file, (0..count).map(|_| &session)).unwrap();
    read(file)
}

fn written(count: usize) -> Work {
    let session = ExportedSession::from_json(entry().as_bytes()).unwrap().value;
    let (new, length) = (new(), entry().len() * count);
    let write = move || {
        let written = new.write(sink(), (0..count).map(|_| &session)).unwrap();
        assert_eq!(written.sessions, count as u64);
    };
    (length, Box::new(write))
}

fn list(count: usize) -> Work {
    read(format!("[{}]", join(count, |_| entry())).into_bytes())
}

fn nothing(count: usize) -> Work {
    read(format!("[{}]", join(count * 100, |_| "null".to_owned())).into_bytes())
}

fn endless(count: usize) -> Work {
    read(format!("[\"{}", "secret ".repeat(count * 100)).into_bytes())
}

fn beginnings(count: usize) -> Work {
    let line = "-----BEGIN MEGOLM SESSION DATA-----";
    let file =
        format!("{line}AAAA-----END MEGOLM SESSION DATA-----{}", line[..34].repeat(count * 10));
    read(file.into_bytes())
}

fn base64(count: usize) -> Work {
    read(
        format!("-----BEGIN MEGOLM SESSION DATA-----{}", "AQID\r\n".repeat(count * 100))
            .into_bytes(),
    )
}
