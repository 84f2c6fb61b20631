//! The loop of a host: what the machine wants is done, and the machine is told.

use std::{io::Read as _, thread, time::Duration};

use http::Response;
use strongroom::client::backup::{Next, NoAnswer};

use crate::{
    Result,
    connection::Answer,
    device::{Device, now_ms},
};

impl Device {
    // guide begin
    /// Does what the machine wants, until it waits for more than a few seconds.
    pub(crate) fn run(&mut self) -> Result<()> {
        loop {
            match self.backup.next_with_rng(now_ms(), &mut self.rng) {
                Next::Save(saved) => {
                    self.disk = *saved; // to disk and keychain
                    self.backup.saved();
                }
                Next::Send(operation) => match self.connection.send(&operation)? {
                    Answer::Whole(answer) => {
                        self.backup.answer(operation.id(), answer, now_ms())?
                    }
                    Answer::Stream(body) => self.stream = Some((operation.id(), body)),
                },
                Next::Want(wish) => {
                    let sessions = self.store.not_stored_in(&wish.version, wish.count);
                    self.backup.offer_with_rng(&sessions, &mut self.rng);
                }
                Next::Stored(id, version, tokens) => {
                    self.store.mark(&version, &tokens);
                    self.backup.ack(id);
                }
                Next::NotStored(id, _, failures) => {
                    println!("  {} sessions cannot be stored", failures.len());
                    self.backup.ack(id);
                }
                Next::UploadRefused(error) => println!("  nothing can be stored: {error}"),
                Next::Import(id, version, sessions) => {
                    self.store.import(&version, sessions);
                    self.backup.ack(id);
                }
                Next::Fetched(scope, outcome) => println!("  fetching {scope}: {outcome}"),
                Next::Sign(id, to_sign) => {
                    let signature = self.sign(to_sign.bytes())?;
                    self.backup.signed(id, &[signature])?;
                }
                Next::WriteSecret(task) => {
                    let stored = self.storage.write(&task)?;
                    self.backup.secret_read_back(stored.as_ref())?;
                }
                Next::NotCreated(error) => println!("  no backup was created: {error}"),
                Next::NotDeleted(error) => println!("  a backup was not deleted: {error}"),
                Next::PreferenceNotSet { enabled, .. } => {
                    println!("  other clients do not learn that backing up is wanted: {enabled}");
                }
                Next::Ask(id, question) => {
                    if let Some(reply) = self.user.reply(&question) {
                        self.backup.reply(id, reply)?;
                    }
                }
                Next::RefreshSigners => {} // who is trusted does not change here
                Next::NeedsToken { .. } => return Err("the user has to log in again".into()),
                Next::Wait(_) if self.stream.is_some() => self.read_piece()?,
                Next::Wait(Some(until)) if until < now_ms() + PATIENCE_MS => {
                    thread::sleep(Duration::from_millis(until.saturating_sub(now_ms())));
                }
                Next::Wait(_) => {
                    for waiting in self.backup.waiting_for() {
                        println!("  {waiting}");
                    }
                    return Ok(()); // until something happens
                }
                other => return Err(format!("unknown: {other:?}").into()),
            }
        }
    }

    /// Takes one piece of a large response. Its sessions are imported before the next piece is read.
    fn read_piece(&mut self) -> Result<()> {
        let Some((id, body)) = &mut self.stream else { return Ok(()) };
        let (id, mut piece) = (*id, Vec::new());
        let answer = match body.take(PIECE_BYTES).read_to_end(&mut piece) {
            Ok(1..) => return Ok(self.backup.part(id, &piece)?),
            Ok(0) => Ok(Response::new(Vec::new())),
            Err(_) => Err(NoAnswer),
        };
        self.stream = None;
        Ok(self.backup.answer(id, answer, now_ms())?)
    }
    // guide end
}

const PIECE_BYTES: u64 = 64 << 10;

/// A client would wait for `/sync` meanwhile, for as long as the machine says.
const PATIENCE_MS: u64 = 5_000;
