//! The responses with sessions that were saved, and the way of each session out of them.

use std::{fs::File, vec};

use indicatif::ProgressBar;
use strongroom::{
    Limits,
    backup::{
        BackupVersionInfo, FailedSession, RestoreOptions, RestoreReport, RestoredSession,
        restore_slice,
    },
    saved_files::SavedFiles,
};

use super::{
    keys::Candidate,
    lists::Lists,
    nothing::check_for_keys,
    report::{AbsentVersion, Report},
    restoring::Restoring,
};
use crate::{copies::Best, failure::Failure, input::Loaded, progress};

/// What is to be restored, the current version first.
pub(crate) struct Bodies<'a> {
    bodies: Vec<Body<'a>>,
    versions: &'a Versions<'a>,
    options: RestoreOptions,
    limits: &'a Limits,
}

/// The versions of the backup, the current one first.
pub(crate) struct Versions<'a> {
    all: Vec<&'a BackupVersionInfo>,
    /// Whether the others do not matter.
    current_only: bool,
}

/// A response of `GET /room_keys/keys`, and the key that opens most of it.
pub(super) struct Body<'a> {
    pub(super) source: Source<'a>,
    pub(super) candidate: &'a Candidate,
    pub(super) version: Option<&'a BackupVersionInfo>,
    /// Whether it is sure that nothing of it opens.
    is_hopeless: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Memory(&'a [u8]),
    File(&'a File),
}

/// Sessions on their way out; of two copies of one, the better.
pub(crate) struct Rescued<'b> {
    bodies: vec::IntoIter<(usize, &'b Body<'b>)>,
    current: Option<Restoring<'b>>,
    options: RestoreOptions,
    limits: &'b Limits,
    ready: vec::IntoIter<Result<RestoredSession, FailedSession>>,
    /// In which body the better copy is, if there are several.
    best: Best,
    at: usize,
    report: Report,
    progress: ProgressBar,
}

impl<'a> Bodies<'a> {
    pub(crate) fn new(
        saved: &'a Loaded,
        versions: &'a Versions<'a>,
        candidates: &'a [Candidate],
        limits: &'a Limits,
    ) -> Result<Self, Failure> {
        let mut bodies = Vec::new();
        for response in saved.responses() {
            let sample = response.bytes.get(..SAMPLE_BYTES).unwrap_or(response.bytes);
            let Some((candidate, report)) = best_of(candidates, sample, limits) else { continue };
            let opens = report.restored() > 0;
            // What a key opens is surer than where something lies.
            let fits = |info: &&BackupVersionInfo| opens && candidate.is_of(info);
            // Several versions can have one key.
            let of_key = response.version.filter(fits).or(versions.all.iter().copied().find(fits));
            let version = of_key.or(response.version).or(versions.only());
            if versions.wants(version) {
                let source = response.file.map_or(Source::Memory(response.bytes), Source::File);
                let is_whole = sample.len() == response.bytes.len() && response.file.is_none();
                let is_hopeless = is_whole && report.wrong_key().is_some();
                bodies.push(Body { source, candidate, version, is_hopeless });
            }
        }
        check_for_keys(saved)?;
        if bodies.is_empty() {
            return Err(Failure::other(
                "the message keys that were given are not those of the current version: leave --current-only out",
            ));
        }
        bodies.sort_by_key(|body| versions.place(body.version));
        Ok(Self { bodies, versions, options: RestoreOptions::default(), limits })
    }

    /// Whether it is sure that nothing opens.
    pub(super) fn are_hopeless(&self) -> bool {
        self.bodies.iter().all(|body| body.is_hopeless)
    }

    /// Only the sessions that these want.
    pub(super) fn want(&mut self, options: RestoreOptions) {
        self.options = options;
    }

    /// All sessions that open, one after the other. What becomes of the others is put into the lists.
    pub(crate) fn rescue(&self, lists: Option<Lists>) -> Rescued<'_> {
        let mut best = Best::default();
        if self.bodies.len() > 1 {
            // Which copy is better shows when all were seen.
            let mut all = self.read(Best::default(), ProgressBar::hidden());
            while let Some(session) = all.advance() {
                best.see(all.at, session.exported());
            }
        }
        let counts = self.bodies.iter().map(|body| body.version.and_then(|info| info.count()));
        let mut rescued = self.read(best, progress::of_message_keys(counts.sum()));
        rescued.report.lists = lists;
        rescued
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
            report: self.report(),
            progress,
        }
    }
}

impl Bodies<'_> {
    /// With the versions of which there are no sessions at all.
    fn report(&self) -> Report {
        let has_none = |info: &&&BackupVersionInfo| {
            let is_its = |body: &Body<'_>| {
                body.version.is_some_and(|version| version.version() == info.version())
            };
            !self.bodies.iter().any(is_its)
        };
        let absent =
            self.versions.wanted().iter().filter(has_none).filter(|info| info.count() != Some(0));
        let absent = absent.map(|info| AbsentVersion {
            version: info.version().as_str().to_owned(),
            expected: info.count(),
        });
        let current_only = self.versions.current_only;
        Report { absent: absent.collect(), current_only, ..Report::default() }
    }
}

impl<'a> Versions<'a> {
    pub(crate) fn new(saved: &'a SavedFiles, current_only: bool) -> Self {
        Self { all: saved.versions().collect(), current_only }
    }

    pub(crate) fn wanted(&self) -> &[&'a BackupVersionInfo] {
        let at_most = if self.current_only { 1 } else { self.all.len() };
        self.all.get(..at_most).unwrap_or_default()
    }

    fn wants(&self, version: Option<&BackupVersionInfo>) -> bool {
        if self.current_only { self.place(version) == 0 } else { true }
    }

    /// Where it stands among all; at the end what is not known.
    fn place(&self, version: Option<&BackupVersionInfo>) -> usize {
        let is_this =
            |it: &&BackupVersionInfo| version.is_some_and(|of| of.version() == it.version());
        self.all.iter().position(is_this).unwrap_or(usize::MAX)
    }

    fn only(&self) -> Option<&'a BackupVersionInfo> {
        if let [only] = self.all.as_slice() { Some(only) } else { None }
    }
}

/// The key that opens most of the beginning of a response, and what it does with that.
fn best_of<'a>(
    candidates: &'a [Candidate],
    beginning: &[u8],
    limits: &Limits,
) -> Option<(&'a Candidate, RestoreReport)> {
    let open = |candidate: &Candidate| {
        let nothing = |_, _| Ok::<_, std::convert::Infallible>(());
        let Ok(report) =
            restore_slice(&candidate.key, beginning, RestoreOptions::default(), limits, nothing);
        report
    };
    // Of several that open as much, the last one would be taken.
    let opened = candidates.iter().rev().map(|candidate| (candidate, open(candidate)));
    opened.max_by_key(|(_, report)| report.restored())
}

impl Rescued<'_> {
    /// What became of everything.
    pub(crate) fn into_report(mut self) -> Result<Report, Failure> {
        self.progress.finish_and_clear();
        if let Some(lists) = &mut self.report.lists {
            lists.check()?;
        }
        Ok(self.report)
    }

    /// How many sessions came out so far.
    pub(super) fn written(&self) -> u64 {
        self.report.written
    }

    /// The next session that opened, whether or not there is a better copy.
    fn advance(&mut self) -> Option<RestoredSession> {
        loop {
            match self.ready.next() {
                Some(Ok(session)) => {
                    self.report.list_warnings(&session);
                    return Some(session);
                }
                Some(Err(failed)) => {
                    self.report.list_failure(&failed);
                    continue;
                }
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

/// Some hundred sessions.
const SAMPLE_BYTES: usize = 256 << 10;
