//! The responses with sessions that were saved, and the way of each session out of them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    vec,
};

use indicatif::ProgressBar;
use strongroom::{
    Limits,
    backup::{
        BackupVersionInfo, Restore, RestoreOptions, RestoreReport, RestoredSession, Verdict,
        restore_slice,
    },
};

use super::{
    Candidate,
    report::{Report, VersionReport},
};
use crate::{copies::Best, failure::Failure, input::Loaded};

/// What is to be restored, the current version first.
pub(super) struct Bodies<'a> {
    bodies: Vec<Body<'a>>,
    pub(super) options: RestoreOptions,
    limits: &'a Limits,
}

/// A response of `GET /room_keys/keys`, and the key that opens most of it.
struct Body<'a> {
    source: Source<'a>,
    candidate: &'a Candidate,
    version: Option<&'a BackupVersionInfo>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Memory(&'a [u8]),
    File(&'a Path),
}

/// Sessions on their way out; of two copies of one, the better.
pub(super) struct Rescued<'b> {
    bodies: vec::IntoIter<(usize, &'b Body<'b>)>,
    current: Option<Restoring<'b>>,
    options: RestoreOptions,
    limits: &'b Limits,
    ready: vec::IntoIter<Verdict>,
    /// In which body the better copy is, if there are several.
    best: Best,
    at: usize,
    report: Report,
    progress: ProgressBar,
}

/// A response that is being read.
struct Restoring<'b> {
    body: &'b Body<'b>,
    input: Box<dyn Read + 'b>,
    restore: Restore,
    buffer: Vec<u8>,
    /// What of the buffer is to be read yet.
    rest: std::ops::Range<usize>,
    /// Why it could not be read to its end.
    error: Option<io::ErrorKind>,
}

impl<'a> Bodies<'a> {
    pub(super) fn new(
        saved: &'a Loaded,
        candidates: &'a [Candidate],
        limits: &'a Limits,
    ) -> Result<Self, Failure> {
        let versions: Vec<_> = saved.files.versions().collect();
        let mut bodies = Vec::new();
        for (response, file) in saved.responses() {
            let Some(candidate) = best_of(candidates, response, limits) else { continue };
            let is_its = |info: &&&BackupVersionInfo| {
                info.auth_data().is_ok_and(|it| it.public_key() == candidate.key.public_key())
            };
            let version = versions.iter().find(is_its).copied();
            let source = file.map_or(Source::Memory(response), Source::File);
            bodies.push(Body { source, candidate, version });
        }
        if bodies.is_empty() {
            return Err(Failure::usage(
                "there are no message keys in what was given: they are what GET /room_keys/keys answers",
            ));
        }
        let place = |body: &Body<'_>| {
            versions
                .iter()
                .position(|it| body.version.is_some_and(|of| of.version() == it.version()))
        };
        bodies.sort_by_key(|body| place(body).unwrap_or(usize::MAX));
        Ok(Self { bodies, options: RestoreOptions::default(), limits })
    }

    /// All sessions that open, one after the other.
    pub(super) fn rescue(&self) -> Rescued<'_> {
        let mut best = Best::default();
        if self.bodies.len() > 1 {
            // Which copy is better shows when all were seen.
            let mut all = self.read(Best::default(), ProgressBar::hidden());
            while let Some(session) = all.advance() {
                best.see(all.at, session.exported());
            }
        }
        let counts = self.bodies.iter().map(|body| body.version.and_then(|info| info.count()));
        let progress =
            counts.sum::<Option<u64>>().map_or_else(ProgressBar::no_length, ProgressBar::new);
        self.read(best, progress)
    }

    fn read(&self, best: Best, progress: ProgressBar) -> Rescued<'_> {
        let bodies: Vec<_> = self.bodies.iter().enumerate().collect();
        Rescued {
            bodies: bodies.into_iter(),
            current: None,
            options: self.options.clone(),
            limits: self.limits,
            ready: Vec::new().into_iter(),
            best,
            at: 0,
            report: Report::default(),
            progress,
        }
    }
}

/// The key that opens most of the beginning of a response.
fn best_of<'a>(
    candidates: &'a [Candidate],
    response: &[u8],
    limits: &Limits,
) -> Option<&'a Candidate> {
    let beginning = response.get(..SAMPLE_BYTES).unwrap_or(response);
    let opened = |candidate: &&Candidate| {
        let nothing = |_, _| Ok::<_, std::convert::Infallible>(());
        let Ok(report) =
            restore_slice(&candidate.key, beginning, RestoreOptions::default(), limits, nothing);
        report.restored()
    };
    // Of several that open as much, the last one would be taken.
    candidates.iter().rev().max_by_key(opened)
}

impl Rescued<'_> {
    /// What became of everything.
    pub(super) fn into_report(self) -> Report {
        self.progress.finish_and_clear();
        self.report
    }

    /// How many sessions came out so far.
    pub(super) fn written(&self) -> u64 {
        self.report.written
    }

    /// The next session that opened, whether or not there is a better copy.
    fn advance(&mut self) -> Option<RestoredSession> {
        loop {
            match self.ready.next() {
                Some(Verdict::Restored(session)) => return Some(session),
                Some(Verdict::Failed(_)) => continue,
                None => {}
            }
            self.ready = match &mut self.current {
                Some(current) => match current.next_batch() {
                    Some(verdicts) => verdicts.into_iter(),
                    None => {
                        let (verdicts, report) = self.current.take()?.finish();
                        self.report.versions.push(report);
                        verdicts.into_iter()
                    }
                },
                None => {
                    let (at, body) = self.bodies.next()?;
                    self.at = at;
                    self.current = Some(Restoring::new(body, &self.options, self.limits));
                    continue;
                }
            };
            self.progress.inc(self.ready.len() as u64);
        }
    }
}

impl Iterator for Rescued<'_> {
    type Item = RestoredSession;

    fn next(&mut self) -> Option<RestoredSession> {
        loop {
            let session = self.advance()?;
            if self.best.is_best(self.at, session.exported()) {
                self.report.written += 1;
                return Some(session);
            }
        }
    }
}

impl<'b> Restoring<'b> {
    fn new(body: &'b Body<'b>, options: &RestoreOptions, limits: &Limits) -> Self {
        let input: Box<dyn Read> = match body.source {
            Source::Memory(response) => Box::new(response),
            Source::File(path) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(error) => Box::new(Unreadable(error.kind())),
            },
        };
        let restore = Restore::new(body.candidate.key.clone(), options.clone(), limits);
        Self { body, input, restore, buffer: vec![0; BUFFER_BYTES], rest: 0..0, error: None }
    }

    /// The next verdicts; `None` at the end of the response.
    fn next_batch(&mut self) -> Option<Vec<Verdict>> {
        while self.restore.ended_early().is_none() {
            let mut rest = self.buffer.get(self.rest.clone()).unwrap_or_default();
            let verdicts = self.restore.next_batch(&mut rest);
            self.rest.start = self.rest.end - rest.len();
            if verdicts.is_some() {
                return verdicts;
            }
            match self.input.read(&mut self.buffer) {
                Ok(0) => return None,
                Ok(length) => self.rest = 0..length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error.kind());
                    return None;
                }
            }
        }
        None
    }

    fn finish(self) -> (Vec<Verdict>, VersionReport) {
        let (verdicts, report): (_, RestoreReport) = match self.error {
            Some(error) => self.restore.fail(error),
            None => self.restore.finish(),
        };
        let Body { candidate, version, .. } = self.body;
        let opened_by = (report.restored() > 0).then_some(candidate.opened_by);
        let expected = version.and_then(|info| info.count());
        let version = version.map(|info| info.version().as_str().to_owned());
        (verdicts, VersionReport { version, expected, opened_by, report })
    }
}

/// A file that was there a moment ago.
struct Unreadable(io::ErrorKind);

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

const BUFFER_BYTES: usize = 64 << 10;

/// Some hundred sessions.
const SAMPLE_BYTES: usize = 256 << 10;
