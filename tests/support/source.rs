//! The crate's own source, parsed, for the tests that guard the house.
#![allow(dead_code, reason = "each of the tests uses a part")]
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests read files and may stop at the first surprise"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, Item, ItemMacro, Visibility};

/// One file of source code.
pub(crate) struct Source {
    /// Where it is, from the crate's folder on.
    pub(crate) path: PathBuf,
    /// The module it is, without `crate`: empty for `lib.rs`.
    pub(crate) module: Vec<String>,
    /// Its text.
    pub(crate) text: String,
    /// What `syn` made of it.
    pub(crate) syntax: syn::File,
}

impl Source {
    /// Parses a text as the file at this path.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let syntax =
            syn::parse_file(text).unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        let (path, text) = (PathBuf::from(path), text.to_owned());
        Self { module: module_of(&path), path, text, syntax }
    }
}

/// Every `.rs` file under `src/`, in the order of their paths.
pub(crate) fn read_all() -> Vec<Source> {
    read(|_| true)
}

/// Those of these texts.
fn read(is_wanted: impl Fn(&str) -> bool) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect_paths(&root.join("src"), &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root).unwrap().to_str().unwrap();
        is_wanted(&text).then(|| Source::new(path, &text))
    };
    paths.iter().filter_map(read).collect()
}

/// The public types of the library, as `std::any::type_name` names them, without parameters.
///
/// Those of the features `zxcvbn` and `unstable-msc4385` are left out where these are off.
pub(crate) fn public_types(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("src/bin")) {
        let mut module = vec!["strongroom".to_owned()];
        module.extend(source.module.iter().cloned());
        collect_types(&source.syntax.items, &module, &mut names);
    }
    if !cfg!(feature = "zxcvbn") {
        names.retain(|name| !name.starts_with("strongroom::passphrase::advice::"));
    }
    if !cfg!(feature = "unstable-msc4385") {
        names.retain(|name| !name.starts_with("strongroom::secret_sharing::pushes::"));
    }
    names
}

/// The public constants and free functions, each with its module. Those of a private module count, too: they may be
/// exported from another one.
pub(crate) fn public_values(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        for item in &source.syntax.items {
            let name = match item {
                Item::Const(item) if is_public(&item.vis) => &item.ident,
                Item::Fn(item) if is_public(&item.vis) => &item.sig.ident,
                _ => continue,
            };
            names.insert(format!("strongroom::{}::{name}", source.module.join("::")));
        }
    }
    names
}

/// Whether an item is compiled for unit tests alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn collect_paths(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_paths(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn module_of(path: &Path) -> Vec<String> {
    let mut module: Vec<_> = path
        .with_extension("")
        .iter()
        .skip_while(|part| *part == "src")
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if module.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

fn collect_types(items: &[Item], module: &[String], names: &mut BTreeSet<String>) {
    let makers = type_making_macros(items);
    let mut add = |name: String| names.insert(format!("{}::{name}", module.join("::")));
    for item in items {
        match item {
            Item::Struct(item) if is_public(&item.vis) => add(item.ident.to_string()),
            Item::Enum(item) if is_public(&item.vis) => add(item.ident.to_string()),
            Item::Union(item) if is_public(&item.vis) => add(item.ident.to_string()),
            Item::Macro(item) => {
                let tokens: Vec<_> = item.mac.tokens.clone().into_iter().collect();
                for name in names_of_types(&tokens) {
                    add(name.to_string());
                }
                match tokens.last() {
                    Some(TokenTree::Ident(name)) if is_call_of(item, &makers) => {
                        add(name.to_string())
                    }
                    _ => continue,
                }
            }
            _ => continue,
        };
    }
    for item in items {
        if let Item::Mod(item) = item
            && let Some((_, items)) = &item.content
            && !is_for_tests(&item.attrs)
        {
            let module: Vec<_> = module.iter().cloned().chain([item.ident.to_string()]).collect();
            collect_types(items, &module, names);
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The macros of a module that declare a public type whose name is the last word of a call.
fn type_making_macros(items: &[Item]) -> BTreeSet<proc_macro2::Ident> {
    let rules = items.iter().filter_map(|item| match item {
        Item::Macro(ItemMacro { ident: Some(name), mac, .. }) => Some((name, mac)),
        _ => None,
    });
    rules
        .filter(|(_, mac)| declares_a_type(mac.tokens.clone()))
        .map(|(name, _)| name.clone())
        .collect()
}

fn is_call_of(item: &ItemMacro, macros: &BTreeSet<proc_macro2::Ident>) -> bool {
    item.mac.path.get_ident().is_some_and(|name| macros.contains(name))
}

fn declares_a_type(tokens: TokenStream) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    tokens.windows(2).any(|pair| is_word(&pair[0], "pub") && is_type_word(&pair[1]))
        || tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => declares_a_type(group.stream()),
            _ => false,
        })
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_type_word(token: &TokenTree) -> bool {
    is_word(token, "struct") || is_word(token, "enum")
}

/// The names of public types that stand in a macro's definition or call: `pub enum NAME`.
fn names_of_types(tokens: &[TokenTree]) -> Vec<proc_macro2::Ident> {
    let here = tokens.windows(3).filter_map(|three| match &three[2] {
        TokenTree::Ident(name) if is_word(&three[0], "pub") && is_type_word(&three[1]) => {
            Some(name)
        }
        _ => None,
    });
    let mut names: Vec<_> = here.cloned().collect();
    for token in tokens {
        if let TokenTree::Group(group) = token {
            names.extend(names_of_types(&group.stream().into_iter().collect::<Vec<_>>()));
        }
    }
    names
}

/// The variants of the one public enum of this name, which a macro may have made.
pub(crate) fn variants(name: &str) -> BTreeSet<String> {
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    // Parsing is what takes the time here.
    for source in read(|text| text.contains(name)) {
        for item in &source.syntax.items {
            match item {
                Item::Enum(item) if item.ident == name && is_public(&item.vis) => {
                    let variants = item.variants.iter();
                    found.push(variants.map(|variant| variant.ident.to_string()).collect());
                }
                Item::Macro(item) => found.extend(rows_of(item, name)),
                _ => {}
            }
        }
    }
    let variants = found.pop().unwrap_or_else(|| panic!("no enum is called {name}"));
    assert!(found.is_empty(), "two enums are called {name}");
    variants
}

/// The rows of a macro call that makes an enum: `pub enum NAME { rows }`. Each begins with its documentation.
fn rows_of(item: &ItemMacro, name: &str) -> Option<BTreeSet<String>> {
    let tokens: Vec<_> = item.mac.tokens.clone().into_iter().collect();
    let at = tokens.iter().position(|token| is_word(token, name))?;
    match (at.checked_sub(1).map(|before| &tokens[before]), tokens.get(at + 1)) {
        (Some(before), Some(TokenTree::Group(rows))) if is_word(before, "enum") => {
            Some(names_after_attributes(&rows.stream().into_iter().collect::<Vec<_>>()))
        }
        _ => None,
    }
}

fn names_after_attributes(tokens: &[TokenTree]) -> BTreeSet<String> {
    let names = tokens.windows(2).filter_map(|pair| match pair {
        [TokenTree::Group(group), TokenTree::Ident(name)]
            if group.delimiter() == Delimiter::Bracket =>
        {
            Some(name.to_string())
        }
        _ => None,
    });
    names.collect()
}
