//! Tables of what happens to a machine, written as text: columns are states, rows are what happens.

use std::{collections::BTreeSet, fmt::Debug};

use syn::{FnArg, ImplItem, Item, ReceiverKind, Type, Visibility};

use crate::source;

pub(crate) struct Table {
    pub(crate) states: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(crate) fn new(text: &str) -> Self {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.trim().lines().map(words);
        let states = lines.next().unwrap();
        let rows: Vec<_> = lines.map(|mut row| (row.remove(0), row)).collect();
        assert!(rows.iter().all(|(_, cells)| cells.len() == states.len()), "a cell for each state");
        Self { states, rows }
    }

    /// Fails unless there is a column for each of these states and for what is unknown.
    #[track_caller]
    pub(crate) fn assert_columns(&self, mut variants: BTreeSet<String>) {
        variants.insert("Unknown".to_owned());
        assert_eq!(self.states.iter().cloned().collect::<BTreeSet<_>>(), variants);
    }

    /// Fails unless these are the methods that change the machine, and all their rows are there.
    #[track_caller]
    pub(crate) fn assert_rows(&self, machine: &str, rows_of: &[(&str, &[&str])]) {
        let listed = rows_of.iter().map(|(method, _)| (*method).to_owned()).collect();
        assert_eq!(methods_that_change(machine), listed, "each method has rows");
        let expected: BTreeSet<_> = rows_of.iter().flat_map(|(_, rows)| *rows).copied().collect();
        let rows: BTreeSet<_> = self.rows.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(rows, expected);
    }

    /// Each state with each thing that happens, and what is expected then.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.rows.iter().flat_map(|(what, cells)| {
            let pairs = self.states.iter().zip(cells);
            pairs.map(|(state, expected)| (state.as_str(), what.as_str(), expected.as_str()))
        })
    }
}

/// The name that says why: `Request(Expired)` is `Expired`, `PublicKey(BackupKey)` is `PublicKey`.
pub(crate) fn refusal(error: &dyn Debug) -> Option<String> {
    let text = format!("{error:?}");
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.find(|word| !["Ignore", "Request"].contains(word)).map(str::to_owned)
}

/// The public methods of a type that take it as `&mut self`.
fn methods_that_change(machine: &str) -> BTreeSet<String> {
    let sources = source::read_all();
    let items = sources.iter().flat_map(|source| &source.syntax.items);
    let own = items.filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() && is_named(&item.self_ty, machine) => Some(item),
        _ => None,
    });
    let methods = own.flat_map(|item| &item.items).filter_map(|item| match item {
        ImplItem::Fn(method) if matches!(method.vis, Visibility::Public(_)) => Some(&method.sig),
        _ => None,
    });
    let changing = methods.filter(|sig| match sig.inputs.first() {
        Some(FnArg::Receiver(this)) => {
            matches!(this.kind, ReceiverKind::Reference(_, _, Some(_)))
        }
        _ => false,
    });
    changing.map(|sig| sig.ident.to_string()).collect()
}

fn is_named(found: &Type, name: &str) -> bool {
    matches!(found, Type::Path(path) if path.path.is_ident(name))
}
