//! Every variant of every refusal is produced by a machine, and its sentence is read here.

use std::{collections::BTreeMap, error::Error};

use crate::{produced, source};
use strongroom::encoding::format::FormatError;

/// For each enum, its variants with their sentences.
type Sentences = BTreeMap<&'static str, BTreeMap<String, String>>;

#[test]
fn every_variant_is_produced_and_no_two_of_an_enum_say_the_same() {
    for (name, rows) in all() {
        let produced = rows.keys().cloned().collect();
        assert_eq!(source::variants(name), produced, "{name}");
        let mut sentences: Vec<_> = rows.values().collect();
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), rows.len(), "{name}: {rows:#?}");
    }
}

#[test]
fn every_sentence_reads_as_one() {
    let mut read = String::new();
    let mut all = all();
    add_format(&mut all, "DecryptedToDevice", produced::olm_format_errors());
    add_format(&mut all, "SecretSend", produced::secret_send_errors());
    add_format(&mut all, "SecretRequest", produced::secret_request_errors());
    for (name, rows) in all {
        for (variant, sentence) in rows {
            read.push_str(&format!("{name}::{variant}: {sentence}\n"));
        }
    }
    assert_eq!(read, SENTENCES);
}

fn all() -> Sentences {
    let mut all = Sentences::new();
    add(&mut all, "DeviceProblem", produced::device_problems());
    add(&mut all, "RequesterError", produced::requester_errors());
    add(&mut all, "ResponderError", produced::responder_errors());
    add(&mut all, "SavedStateError", produced::saved_state_errors());
    all
}

fn add<E: Error>(sentences: &mut Sentences, name: &'static str, errors: Vec<E>) {
    add_rows(sentences, name, errors.iter().map(|error| (format!("{error:?}"), error.to_string())));
}

/// The errors of one format, each under what is wrong with it.
fn add_format(sentences: &mut Sentences, name: &'static str, errors: Vec<FormatError>) {
    let rows = errors.iter().map(|error| (format!("{:?}", error.problem), error.to_string()));
    add_rows(sentences, name, rows);
}

fn add_rows(
    sentences: &mut Sentences,
    name: &'static str,
    errors: impl Iterator<Item = (String, String)>,
) {
    let rows = sentences.entry(name).or_default();
    for (variant, sentence) in errors {
        let variant = variant.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
        let before = rows.insert(variant.clone(), sentence);
        assert_eq!(before, None, "{name}: {variant} is produced twice");
    }
}

const SENTENCES: &str = include_str!("sentences.txt");
