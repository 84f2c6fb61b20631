//! Guards the house: arrows point down, files and functions stay short.
//!
//! The floors are those of `CONTRIBUTING.md`. A module may use the floors beneath its own and its
//! own room, which is everything under one top-level module; nothing above, and nothing beside.

// docs/decisions.md, 2: floors, and one direction.
// docs/decisions.md, 7: an error is a whole sentence, and a name from outside an excerpt.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests read files and may stop at the first surprise"
)]

#[path = "support/source.rs"]
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use source::{Source, is_for_tests, read_all};
use syn::{
    Attribute, Expr, ExprMatch, ImplItemFn, Item, ItemFn, ItemMod, ItemUse, Meta, Pat, TraitItemFn,
    UseTree, VisRestricted, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

/// What stands on which floor, from the ground up.
///
/// Every floor repeats names from outside in its errors and needs bounds or randomness, so these stand below all others. A
/// recovery key and a backup key carry their provenance, and several topics make them: so they stand above that and below the topics.
const FLOORS: [&[&str]; 11] = [
    &["characters"],
    &["clock", "excerpt", "limits", "randomness", "secret"],
    &["encoding", "ids"],
    &["crypto"],
    &["passphrase", "provenance", "saved_state", "session_data", "signed_json"],
    &["recovery_key", "secret_value"],
    &["backup", "cross_signing", "key_export", "secret_sharing", "secret_storage"],
    &["api", "secrets_bundle"],
    &["client", "homeserver"],
    &["saved_files"],
    &["bin"],
];

const MAX_FILE_LINES: usize = 300;

/// For a file whose header gives the reason.
const MAX_FILE_LINES_WITH_REASON: usize = 400;

const MAX_FUNCTION_LINES: usize = 40;

#[test]
fn no_arrow_points_up_or_sideways() {
    let house = House::new(&read_all());
    assert!(house.files > 20, "{} files were read", house.files);
    assert!(house.arrows > 50, "{} arrows were found", house.arrows);
    assert_eq!(house.faults, [""; 0], "\n{}\n", house.faults.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let faults: Vec<_> = read_all().iter().filter_map(too_long).collect();
    assert_eq!(faults, [""; 0], "\n{}\n", faults.join("\n"));
}

#[test]
fn no_function_is_too_long() {
    let (mut faults, mut count) = (Vec::new(), 0);
    for source in read_all() {
        let mut functions = Functions::default();
        functions.visit_file(&source.syntax);
        count += functions.0.len();
        for (name, line, lines) in functions.0 {
            if lines > MAX_FUNCTION_LINES {
                let path = source.path.display();
                faults.push(format!("{path}:{line}: the function {name} has {lines} lines"));
            }
        }
    }
    assert!(count > 100, "{count} functions were found");
    assert_eq!(faults, [""; 0], "\n{}\n", faults.join("\n"));
}

/// The root denies `unsafe`, and two files allow it: what is called there is compiled for instructions that were detected.
#[test]
fn unsafe_code_is_where_instructions_are_detected_and_each_place_has_its_reason() {
    let count = |text: &str, what: &str| text.matches(what).count();
    let mut all = 0;
    for source in read_all() {
        let detecting = ["src/crypto/lanes/detected.rs", "src/crypto/pbkdf2/detected.rs"];
        let is_detected = detecting.iter().any(|file| source.path.ends_with(file));
        let allowed = count(&source.text, "(unsafe_code");
        assert_eq!(allowed, usize::from(is_detected), "{}", source.path.display());
        let blocks = count(&source.text, "unsafe {");
        assert!(is_detected || blocks == 0, "{}: {blocks} blocks", source.path.display());
        assert_eq!(blocks, count(&source.text, "// SAFETY: "), "{}", source.path.display());
        all += blocks;
    }
    assert!((1..10).contains(&all), "{all} blocks");
}

/// A report of errors prints each source after the sentence that has it already.
#[test]
fn no_error_has_its_source_twice() {
    let mut sources = Sources::default();
    for source in read_all() {
        sources.path = source.path.display().to_string();
        sources.visit_file(&source.syntax);
    }
    assert!(sources.transparent > 20, "{} transparent variants", sources.transparent);
    assert_eq!(sources.faults, [""; 0], "\n{}\n", sources.faults.join("\n"));
}

/// The fields of errors that are a source although the error has a sentence of its own.
#[derive(Default)]
struct Sources {
    path: String,
    transparent: usize,
    faults: Vec<String>,
}

impl Sources {
    fn look_at(&mut self, attributes: &[Attribute], fields: &syn::Fields) {
        let own = attributes.iter().find(|attribute| attribute.path().is_ident("error"));
        let Some(own) = own else { return };
        if own.parse_args::<syn::Ident>().is_ok_and(|it| it == "transparent") {
            self.transparent += 1;
            return;
        }
        for field in fields {
            let is_marked =
                |it: &Attribute| it.path().is_ident("source") || it.path().is_ident("from");
            let is_named = field.ident.as_ref().is_some_and(|name| name == "source");
            if is_named || field.attrs.iter().any(is_marked) {
                let line = field.span().start().line;
                self.faults.push(format!("{}:{line}: the sentence says it already", self.path));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Sources {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.look_at(&item.attrs, &item.fields);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.look_at(&variant.attrs, &variant.fields);
    }
}

/// All arrows between the rooms, and what is wrong with them.
#[derive(Default)]
struct House {
    files: usize,
    arrows: usize,
    faults: Vec<String>,
}

impl House {
    fn new(sources: &[Source]) -> Self {
        let mut house = Self { files: sources.len(), ..Self::default() };
        let mut root = Root::default();
        for source in sources.iter().filter(|source| source.module.is_empty()) {
            root.read(&source.syntax);
        }
        for source in sources.iter().filter(|source| !source.module.is_empty()) {
            house.inspect(source, &root);
        }
        house
    }

    fn inspect(&mut self, source: &Source, root: &Root) {
        let room = &source.module[0];
        let path = source.path.display();
        let Some(floor) = floor_of(room) else {
            self.faults.push(format!("{path}: the module {room} has no floor in {}", file!()));
            return;
        };
        let mut arrows = Arrows { module: source.module.clone(), found: BTreeSet::new() };
        arrows.visit_file(&source.syntax);
        for (line, target) in arrows.found {
            self.arrows += 1;
            if let Some(fault) = root.fault(room, floor, &target) {
                self.faults.push(format!("{path}:{line}: {room} {fault}"));
            }
        }
    }
}

/// What the crate's root makes known.
#[derive(Default)]
struct Root {
    modules: BTreeSet<String>,
    /// Re-exported names, and the top-level modules they come from.
    names: BTreeMap<String, String>,
}

impl Root {
    fn read(&mut self, file: &syn::File) {
        for item in &file.items {
            match item {
                Item::Mod(item) => drop(self.modules.insert(item.ident.to_string())),
                Item::Use(ItemUse { vis: Visibility::Public(_), tree, .. }) => {
                    for path in leaves(tree) {
                        let path: Vec<_> = relative_to_root(&path).collect();
                        if let [module, .., name] = path.as_slice() {
                            self.names.insert((*name).clone(), (*module).clone());
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// What is wrong with an arrow from this room to this path.
    fn fault(&self, room: &str, floor: usize, target: &[String]) -> Option<String> {
        let Some(first) = target.first() else {
            return Some("imports the whole crate".to_owned());
        };
        let known = [first, self.names.get(first).unwrap_or(first)].into_iter();
        let Some((target, target_floor)) =
            known.rev().find_map(|module| Some((module, floor_of(module)?)))
        else {
            return Some(format!("uses {first}, which has no floor in {}", file!()));
        };
        if target == room || target_floor < floor {
            None
        } else if target_floor == floor {
            Some(format!("uses {target}, which is beside it on floor {floor}"))
        } else {
            Some(format!("on floor {floor} uses {target} above it on floor {target_floor}"))
        }
    }
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Every path in a file that starts at the crate's root or leaves its module upwards.
struct Arrows {
    /// The module that the visitor is in.
    module: Vec<String>,
    /// Line, and path from the crate's root.
    found: BTreeSet<(usize, Vec<String>)>,
}

impl Arrows {
    fn add(&mut self, line: usize, path: &[String]) {
        let mut target = match path.first().map(String::as_str) {
            // The command line is a crate of its own.
            Some("crate") if self.module[0] == "bin" => vec!["bin".to_owned()],
            Some("crate" | "strongroom") => Vec::new(),
            Some("super" | "self") => self.module.clone(),
            _ => return,
        };
        for segment in path {
            match segment.as_str() {
                "crate" | "strongroom" | "self" => {}
                "super" => drop(target.pop()),
                name => target.push(name.to_owned()),
            }
        }
        self.found.insert((line, target));
    }

    fn add_tree(&mut self, tree: &UseTree) {
        for path in leaves(tree) {
            self.add(tree.span().start().line, &path);
        }
    }

    /// Paths in the tokens of a macro or an attribute, also such as stand in a string there.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(ident)
                    if STARTS.iter().any(|start| ident == start)
                        && !follows_path_separator(&tokens[..index]) =>
                {
                    self.add_longest_path(&tokens[index..]);
                }
                TokenTree::Literal(literal) => {
                    let text: Result<syn::LitStr, _> =
                        syn::parse2(TokenTree::from(literal.clone()).into());
                    if let Ok(path) = text.and_then(|text| text.parse::<syn::Path>()) {
                        self.visit_path(&path);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_longest_path(&mut self, tokens: &[TokenTree]) {
        let mut end = 1;
        while matches!(tokens.get(end..end + 2), Some([TokenTree::Punct(a), TokenTree::Punct(b)])
            if a.as_char() == ':' && b.as_char() == ':')
            && !matches!(tokens.get(end + 2), Some(TokenTree::Punct(p)) if p.as_char() != '*')
            && tokens.get(end + 2).is_some()
        {
            end += 3;
        }
        if let Ok(tree) = syn::parse2::<UseTree>(tokens[..end].iter().cloned().collect()) {
            self.add_tree(&tree);
        }
    }
}

impl<'ast> Visit<'ast> for Arrows {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add(path.span().start().line, &segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.add_tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    /// `pub(crate)` and `pub(super)` are no arrows.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}

fn follows_path_separator(before: &[TokenTree]) -> bool {
    matches!(before.last(), Some(TokenTree::Punct(p)) if p.as_char() == ':')
        && matches!(before.iter().rev().nth(1), Some(TokenTree::Punct(p)) if p.as_char() == ':')
        && matches!(before.iter().rev().nth(2), Some(TokenTree::Ident(_)))
}

/// The paths that a use tree imports, without their new names.
fn leaves(tree: &UseTree) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree)
            .into_iter()
            .map(|rest| [vec![path.ident.to_string()], rest].concat())
            .collect(),
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(rename) => vec![vec![rename.ident.to_string()]],
        UseTree::Glob(_) => vec![Vec::new()],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn relative_to_root(path: &[String]) -> impl Iterator<Item = &String> {
    path.iter().skip_while(|segment| STARTS.contains(&segment.as_str()))
}

/// How a path begins that leaves its module.
const STARTS: [&str; 4] = ["crate", "super", "self", "strongroom"];

fn too_long(source: &Source) -> Option<String> {
    let tests = source.syntax.items.iter().filter_map(|item| match item {
        Item::Mod(item) if is_for_tests(&item.attrs) && item.content.is_some() => {
            Some(lines_of(item))
        }
        _ => None,
    });
    let lines = source.text.lines().count() - tests.sum::<usize>();
    let header: Vec<_> = source
        .text
        .lines()
        .take_while(|line| line.starts_with("//") || line.is_empty())
        .map(|line| line.trim_start_matches(['/', '!']).trim())
        .collect();
    let has_reason = header.join(" ").contains("reason for its length");
    let limit = if has_reason { MAX_FILE_LINES_WITH_REASON } else { MAX_FILE_LINES };
    let path = source.path.display();
    (lines > limit).then(|| format!("{path}: it has {lines} lines without its tests, over {limit}"))
}

/// Name, first line and number of lines of every function, without those of a match that names every case and that it ends in.
#[derive(Default)]
struct Functions(Vec<(String, usize, usize)>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.span().start().line;
        let lines = block.span().end().line - line + 1;
        let exempt = match block.stmts.last() {
            Some(syn::Stmt::Expr(Expr::Match(it), _)) if names_every_case(it) => lines_of(it),
            _ => 0,
        };
        self.0.push((signature.ident.to_string(), line, lines - exempt));
    }
}

fn lines_of(spanned: &impl Spanned) -> usize {
    spanned.span().end().line - spanned.span().start().line + 1
}

fn names_every_case(it: &ExprMatch) -> bool {
    let names = |pattern: &Pat| match pattern {
        Pat::Wild(_) => false,
        Pat::Ident(it) => {
            it.subpat.is_some() || it.ident.to_string().starts_with(char::is_uppercase)
        }
        _ => true,
    };
    it.arms.iter().all(|arm| names(&arm.pat))
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// The faults of one made-up file beside a root that re-exports `Limits`.
fn faults(path: &str, text: &str) -> Vec<String> {
    let root = Source::new("src/lib.rs", "mod limits;\npub use limits::Limits;");
    House::new(&[root, Source::new(path, text)]).faults
}

#[test]
fn an_arrow_that_points_up_or_sideways_is_found_however_it_is_written() {
    for (path, text) in [
        ("src/encoding/x.rs", "use crate::api::X;"),
        ("src/encoding/x.rs", "pub use crate::api::X as Y;"),
        ("src/encoding/x.rs", "use crate::{ids::RoomId, crypto::{self, curve25519::*}};"),
        ("src/encoding/x.rs", "use super::super::backup;"),
        ("src/encoding/mod.rs", "use super::{secret, crypto as c};"),
        ("src/encoding/x.rs", "use crate::*;"),
        ("src/encoding/x.rs", "use crate as root;"),
        ("src/clock.rs", "use super::*;"),
        ("src/clock.rs", "use crate::secret::SecretVec;"),
        ("src/clock.rs", "use crate::Limits;"),
        ("src/backup/keys.rs", "fn f() { crate::secret_storage::Key::new() }"),
        ("src/backup/keys.rs", "fn f(x: Vec<crate::api::X>) {}"),
        ("src/backup/keys.rs", "fn f() { use crate::client; }"),
        ("src/backup/keys.rs", "mod a { mod b { use super::super::super::super::api::X; } }"),
        ("src/backup/keys.rs", "fn f() { vec![1, super::super::api::x()] }"),
        ("src/backup/keys.rs", "macro_rules! m { () => { $crate::api::f::<u8>() } }"),
        ("src/backup/keys.rs", "m! { use crate::{secret, api::X}; }"),
        ("src/backup/keys.rs", "#[serde(with = \"crate::api::x\")] struct S;"),
        ("src/backup/keys.rs", "#[cfg(test)] mod tests { use crate::api::X; }"),
        ("src/backup/keys.rs", "impl crate::api::Endpoint for S {}"),
        ("src/backup/keys.rs", "fn f() { <S as crate::api::Endpoint>::body() }"),
        ("src/backup/keys.rs", "pub(in crate::backup) fn f() { strongroom::api::x() }"),
        ("src/homeserver/mod.rs", "use crate::client::Backup;"),
        ("src/crypto/x.rs", "use crate::unheard_of::X;"),
        ("src/attic.rs", "use crate::ids::RoomId;"),
    ] {
        assert!(!faults(path, text).is_empty(), "{path}: {text}");
    }
}

#[test]
fn an_arrow_that_points_down_or_stays_in_its_room_is_no_fault() {
    for (path, text) in [
        ("src/encoding/x.rs", "use crate::{Limits, secret::SecretVec}; use crate::limits;"),
        ("src/encoding/x.rs", "use super::base64; use crate::encoding::json::{self, to_bytes};"),
        ("src/ids.rs", "#[cfg(test)] mod tests { use super::*; use crate::ids::RoomId; }"),
        ("src/backup/keys.rs", "// use crate::api::X;\n/// [`crate::api::X`]\nfn f() {}"),
        ("src/backup/keys.rs", "fn f() -> &'static str { \"see crate::api::X\" }"),
        ("src/backup/keys.rs", "pub(crate) fn f() {} pub(super) fn g() { self::f() }"),
        ("src/backup/keys.rs", "use std::fmt; use serde_json::api; fn f() { api::x() }"),
        ("src/api/x.rs", "use crate::backup::X; fn f() { crate::signed_json::y() }"),
        ("src/bin/strongroom/main.rs", "use strongroom::client; use crate::options::Options;"),
    ] {
        assert_eq!(faults(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn lengths_are_counted_without_tests_and_without_docs_of_functions() {
    let lines = |count| "const _: () = ();\n".repeat(count);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(500));
    let file = |text: &str| too_long(&Source::new("src/ids.rs", text));
    assert_eq!(file(&format!("{}{tests}", lines(300))), None);
    assert!(file(&format!("{}{tests}", lines(301))).is_some());
    // What follows the tests counts, and a module in a file of its own takes its line.
    assert!(file(&format!("{}{tests}{}", lines(150), lines(151))).is_some());
    assert!(file(&format!("#[cfg(test)]\nmod tests;\n{}", lines(299))).is_some());
    let header = "//! The reason for\n//! its length is that it is made up.\n";
    assert_eq!(file(&format!("{header}{}", lines(398))), None);
    assert!(file(&format!("{header}{}", lines(399))).is_some());

    let mut functions = Functions::default();
    let text = "/// Doc.\n#[test]\nfn f(\n) {\n\n}\nimpl S { fn g() {} }\ntrait T { fn h() {\n} }";
    functions.visit_file(&syn::parse_file(text).unwrap());
    let expected = [("f", 3, 4), ("g", 7, 1), ("h", 8, 2)];
    assert_eq!(functions.0, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));

    for (arms, lines) in
        [("A => 1,\nB(_) => 2", 2), ("A => 1,\n_ => 2", 6), ("A => 1,\nother => 2", 6)]
    {
        let mut functions = Functions::default();
        let text = format!("fn f() {{\nmatch x {{\n{arms}\n}}\n}}");
        functions.visit_file(&syn::parse_file(&text).unwrap());
        assert_eq!(functions.0[0].2, lines, "{text}");
    }
}

/// A decision that shapes the house is named by number and title, so that it is found when it is moved.
#[test]
fn each_decision_that_is_named_is_there_and_each_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let decisions = fs::read_to_string(root.join("docs/decisions.md")).unwrap().to_lowercase();
    let headings: BTreeSet<_> =
        decisions.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let (mut named, mut faults) = (BTreeSet::new(), Vec::new());
    for source in read_all() {
        // A comment may run over two lines.
        let text = source.text.replace("\n//", " ").replace("`", "").to_lowercase();
        for after in text.split("docs/decisions.md, ").skip(1) {
            let after =
                after.split_whitespace().collect::<Vec<_>>().join(" ").replacen(": ", ". ", 1);
            match headings.iter().find(|heading| after.starts_with(**heading)) {
                Some(heading) => drop(named.insert(*heading)),
                None => faults.push(format!(
                    "{}: {}",
                    source.path.display(),
                    &after[..after.len().min(60)]
                )),
            }
        }
    }
    assert_eq!(faults, [""; 0], "\n{}\n", faults.join("\n"));
    assert!(named.len() > headings.len() / 2, "{named:?} of {headings:?}");
}

#[test]
fn each_file_that_a_page_links_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(Into::into);
    let folders = ["docs", "docs/guide"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let docs = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let mut missing = Vec::new();
    let mut count = 0;
    for page in pages.map(|page: String| root.join(page)).into_iter().chain(docs) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|after| after.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains(':') {
                continue;
            }
            count += 1;
            if !page.parent().unwrap().join(file).exists() {
                missing.push(format!("{}: {file}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(count > 50, "only {count} links were found");
}
