//! What in a text is meant as a recovery key, though it is none: a run of groups that look like those of a key.

use std::ops::Range;

use super::{
    CHARACTERS,
    groups::{Before, GROUP, Group, Groups, Kind},
};

/// Groups one after another that are meant as a key.
#[derive(Debug, Clone)]
pub(super) struct Run {
    groups: Range<usize>,
    /// How many letters and digits they have.
    pub(super) count: usize,
    /// The places of the first and the last of its characters.
    pub(super) positions: Range<usize>,
}

impl Groups {
    /// The run that is most like a key: one that begins as keys do if there is one, else the one that looks least like words.
    pub(super) fn run(&self) -> Option<Run> {
        let mut best: Option<Run> = None;
        let mut next = 0;
        for (index, group) in self.all.iter().enumerate() {
            if index < next || !self.is_begin_of_key(group) {
                continue;
            }
            let run = self.grow_right(index, self.end_of_run(index));
            next = run.groups.end;
            let is_better = best.as_ref().is_none_or(|best| run.distance() < best.distance());
            if is_better && self.is_truncated(&run) {
                best = Some(run);
            }
        }
        let best = best.or_else(|| {
            let run = self.heaviest()?;
            let run = self.grow_right(run.start, run.end);
            let run = self.grow_left(run);
            self.is_nearly_key(&run).then_some(run)
        })?;
        // A key without gaps in which a gap was typed for a character: there is no room for anything else.
        let is_dense = self.groups_of(&best).iter().any(|group| group.length > 2 * GROUP);
        let is_all = is_dense && (CHARACTERS - 2..=CHARACTERS).contains(&self.count());
        if is_all { self.run_of(0..self.all.len()) } else { Some(best) }
    }

    /// The groups from one to another as a run.
    pub(super) fn run_of(&self, groups: Range<usize>) -> Option<Run> {
        let all = self.all.get(groups.clone())?;
        let (first, last) = (all.first()?, all.last()?);
        let count = all.iter().filter(|group| group.kind != Kind::Invisible);
        let count = count.map(|group| group.length).sum();
        // Within a group nothing is seen between its characters.
        let positions = first.position..last.position + last.length;
        Some(Run { groups, count, positions })
    }

    /// Where what begins as a key ends: before words, or where the next key begins.
    fn end_of_run(&self, start: usize) -> usize {
        let (mut weight, mut heaviest, mut end, mut count) = (0_isize, 0, start + 1, 0);
        for (index, group) in self.all.iter().enumerate().skip(start) {
            let is_next_key = group.before >= Before::OneMark && self.is_begin_of_key(group);
            if count + GROUP >= CHARACTERS && is_next_key {
                break;
            }
            count += group.length;
            weight = weight.saturating_add(group.weight());
            if weight > heaviest {
                (heaviest, end) = (weight, index + 1);
            } else if index >= end + REACH {
                break;
            }
        }
        end
    }

    /// The groups of the most weight together.
    fn heaviest(&self) -> Option<Range<usize>> {
        let (mut weight, mut start) = (0_isize, 0);
        let mut heaviest = (0, 0..0);
        for (index, group) in self.all.iter().enumerate() {
            if weight <= 0 {
                (weight, start) = (0, index);
            }
            weight = weight.saturating_add(group.weight());
            if weight > heaviest.0 {
                heaviest = (weight, start..index + 1);
            }
        }
        Some(heaviest.1).filter(|groups| !groups.is_empty())
    }

    /// Adds what may belong to the key although it looks like a word, up to its length.
    fn grow_right(&self, start: usize, mut end: usize) -> Run {
        let mut run = self.run_or_empty(start..end);
        while let Some(group) = self.all.get(end) {
            let next = self.all.get(end + 1).map_or(Before::LineEnd, |next| next.before);
            let is_last = next >= Before::OneMark && group.length < GROUP;
            let fits = fits_in_key(group, next) || is_last;
            if !fits || !self.is_beside(&run, group, group.before) {
                break;
            }
            end += 1;
            run = self.run_or_empty(start..end);
        }
        run
    }

    fn grow_left(&self, mut run: Run) -> Run {
        while let Some(before) = run.groups.start.checked_sub(1)
            && let (Some(group), Some(first)) = (self.all.get(before), self.all.get(before + 1))
            && self.is_beside(&run, group, first.before)
            && run.count < CHARACTERS
            && (fits_in_key(group, first.before)
                || (group.length < GROUP && self.begins_with(group, "Es")))
        {
            run = self.run_or_empty(before..run.groups.end);
        }
        run
    }

    /// Whether the group can be one more of the run.
    fn is_beside(&self, run: &Run, group: &Group, between: Before) -> bool {
        let within = self.groups_of(run).iter().skip(1).map(|group| group.before).max();
        (between == Before::OneMark || between <= within.unwrap_or(Before::Gap).max(Before::Gap))
            && run.count + group.length <= CHARACTERS + 1
    }

    fn run_or_empty(&self, groups: Range<usize>) -> Run {
        let start = groups.start;
        self.run_of(groups).unwrap_or(Run { groups: start..start, count: 0, positions: 0..0 })
    }

    fn groups_of(&self, run: &Run) -> &[Group] {
        self.all.get(run.groups.clone()).unwrap_or_default()
    }

    /// Whether what begins as a key goes on as one, however long it is.
    fn is_truncated(&self, run: &Run) -> bool {
        let groups = self.groups_of(run);
        let oddities: usize = groups.iter().map(Group::oddities).sum();
        let of_four = groups.iter().filter(|group| group.length == GROUP).count();
        let is_long = run.count >= CHARACTERS / 3 && oddities * 5 >= run.count;
        self.is_nearly_key(run) || (of_four >= 3 && oddities * 2 >= of_four) || is_long
    }

    /// Whether it is about as long as a key, and as mixed. A key without gaps in the wrong case is not, or passphrases of words with
    /// digits would be taken for keys.
    fn is_nearly_key(&self, run: &Run) -> bool {
        let groups = self.groups_of(run);
        let oddities: usize = groups.iter().map(Group::oddities).sum();
        let wrong: usize = groups.iter().map(|group| group.wrong).sum();
        let grouped = groups.iter().filter(|group| group.length <= GROUP);
        let grouped: usize = grouped.map(|group| group.length).sum();
        let is_mixed = grouped * 4 >= run.count * 3
            || groups.iter().filter(|group| group.length > GROUP).all(Group::is_random);
        run.distance() <= 3 && oddities >= 3 && wrong <= MAX_WRONG && is_mixed
    }
}

impl Run {
    /// How far its length is from that of a key.
    pub(super) fn distance(&self) -> usize {
        self.count.abs_diff(CHARACTERS)
    }
}

/// Whether a group that looks like a word may as well be one of a key, or a piece of one with a wrong character.
fn fits_in_key(group: &Group, next: Before) -> bool {
    let breaks = |before| matches!(before, Before::Nothing | Before::OneMark);
    let is_short = group.length == GROUP || (group.length < GROUP && !group.has_lower);
    breaks(group.before) || breaks(next) || (group.kind == Kind::Ascii && is_short)
}

/// How many characters of a key may be wrong before it is something else.
const MAX_WRONG: usize = 6;

/// After so many groups that look like words nothing belongs to a key any more.
const REACH: usize = 6;
