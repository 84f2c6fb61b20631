//! The responses with sessions that were saved, and the way of each session out of them.

use std::{fs::File, vec};

use indicatif::ProgressBar;
use strongroom::{
    backup::{BackupVersionInfo, FailedSession, RestoreOptions, RestoreReport, RestoredSession},
    client::rescue::{BackupKeys, RescueTable},
    saved_files::SavedFiles,
    session_data::BestCopies,
};

use super::{
    keys::is_of,
    lists::Lists,
    nothing::check_for_keys,
    report::{AbsentVersion, Report},
    restoring::Restoring,
};
use crate::{failure::Failure, input::Loaded, progress};

/// What is to be restored, the current version first.
pub(crate) struct Bodies<'a> {
    bodies: Vec<Body<'a>>,
    versions: &'a Versions<'a>,
    options: RestoreOptions,
    keys: &'a BackupKeys,
}

/// The versions of the backup, the current one first.
pub(crate) struct Versions<'a> {
    all: Vec<&'a BackupVersionInfo>,
    /// Whether the others do not matter.
    current_only: bool,
}

/// A response of `GET /room_keys/keys`, and the version that it is of.
pub(super) struct Body<'a> {
    pub(super) source: Source<'a>,
    pub(super) version: Option<&'a BackupVersionInfo>,
    /// Whether what was saved says so, not only a key that opens it.
    pub(super) is_named: bool,
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
    keys: &'b BackupKeys,
    ready: vec::IntoIter<Result<RestoredSession, FailedSession>>,
    /// In which body the better copy is, if there are several.
    best: BestCopies,
    at: usize,
    /// How many sessions of each body are written.
    written: Vec<u64>,
    report: Report,
    progress: ProgressBar,
}

impl<'a> Bodies<'a> {
    pub(crate) fn new(
        saved: &'a Loaded,
        versions: &'a Versions<'a>,
        keys: &'a BackupKeys,
    ) -> Result<Self, Failure> {
        let mut bodies = Vec::new();
        for response in saved.responses() {
            let sample = response.bytes.get(..SAMPLE_BYTES).unwrap_or(response.bytes);
            let Some(report) = sampled(keys, response.version, sample) else { continue };
            // What a key opens is surer than where something lies, and several versions can have one key.
            let opened_by = |(key, _): (&_, u64), info: &BackupVersionInfo| is_of(key, info);
            let opens_some =
                |info: &&BackupVersionInfo| report.opened_by().any(|it| opened_by(it, info));
            let most = report.opened_by().max_by_key(|(_, count)| *count);
            let opens_most =
                |info: &&BackupVersionInfo| most.is_some_and(|most| opened_by(most, info));
            let of_key = response.version.filter(opens_some);
            let of_key = of_key.or(versions.all.iter().copied().find(opens_most));
            let version = of_key.or(response.version).or(versions.only());
            if versions.wants(version) {
                let source = response.file.map_or(Source::Memory(response.bytes), Source::File);
                let is_whole = sample.len() == response.bytes.len() && response.file.is_none();
                let is_hopeless = is_whole && report.wrong_key().is_some();
                let names = |of: &BackupVersionInfo| {
                    response.version.is_some_and(|it| it.version() == of.version())
                };
                let is_named = version.is_some_and(names);
                bodies.push(Body { source, version, is_named, is_hopeless });
            }
        }
        check_for_keys(saved)?;
        if bodies.is_empty() {
            return Err(Failure::other(
                "the message keys that were given are not those of the current version: leave --current-only out",
            ));
        }
        bodies.sort_by_key(|body| versions.place(body.version));
        Ok(Self { bodies, versions, options: RestoreOptions::default(), keys })
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
        let mut best = BestCopies::default();
        if self.bodies.len() > 1 {
            // Which copy is better shows when all were seen.
            let mut all = self.read(BestCopies::default(), ProgressBar::hidden());
            while let Some(session) = all.advance() {
                best.see(all.at, session.exported());
            }
        }
        let counts = self.bodies.iter().map(|body| body.version.and_then(|info| info.count()));
        let mut rescued = self.read(best, progress::of_message_keys(counts.sum()));
        rescued.report.lists = lists;
        rescued
    }

    fn read(&self, best: BestCopies, progress: ProgressBar) -> Rescued<'_> {
        let bodies: Vec<_> = self.bodies.iter().enumerate().collect();
        Rescued {
            bodies: bodies.into_iter(),
            current: None,
            options: self.options.clone(),
            keys: self.keys,
            ready: Vec::new().into_iter(),
            best,
            at: 0,
            written: vec![0; self.bodies.len()],
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
        let absent = absent
            .map(|info| AbsentVersion { version: info.version().clone(), expected: info.count() });
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

/// What becomes of the beginning of a response.
fn sampled(
    keys: &BackupKeys,
    version: Option<&BackupVersionInfo>,
    mut beginning: &[u8],
) -> Option<RestoreReport> {
    let mut restore = keys.restore(version, RestoreOptions::default())?;
    while restore.next_batch(&mut beginning).is_some() {}
    Some(restore.finish().1)
}

impl Rescued<'_> {
    /// What became of everything.
    pub(crate) fn into_report(mut self) -> Result<Report, Failure> {
        self.progress.finish_and_clear();
        self.report.table = Some(self.table());
        if let Some(lists) = &mut self.report.lists {
            lists.check()?;
        }
        Ok(self.report)
    }

    fn table(&self) -> RescueTable {
        let mut table = RescueTable::new(self.keys);
        for (version, written) in self.report.versions.iter().zip(&self.written) {
            table.add(version.version.as_ref(), &version.report, *written);
        }
        table
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
                    self.current = Restoring::new(body, &self.options, self.keys);
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
            if self.best.take(self.at, session.exported()) {
                self.report.written += 1;
                self.written.get_mut(self.at).into_iter().for_each(|written| *written += 1);
                return Some(session);
            }
        }
    }
}

/// Some hundred sessions.
const SAMPLE_BYTES: usize = 256 << 10;
