//! What a file holds that is not what was asked for.

use strongroom::{encoding::text_file, recovery_key::RecoveryKey, saved_files::SavedFileError};

/// Something that people have in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    WebPage,
    ExportedKeys,
    RecoveryKey,
    Json,
}

impl Content {
    /// What a text is, if that can be told.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let begins = |with: &str| {
            text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        if begins("<!doctype") || begins("<html") {
            Some(Self::WebPage)
        } else if begins("-----BEGIN MEGOLM SESSION DATA-----") {
            Some(Self::ExportedKeys)
        } else if text.starts_with(['{', '[']) && is_json(text) {
            Some(Self::Json)
        } else {
            RecoveryKey::parse(text).is_ok().then_some(Self::RecoveryKey)
        }
    }

    /// To stand after *this is*.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebPage => "a web page",
            Self::ExportedKeys => "a file of exported message keys",
            Self::RecoveryKey => "a recovery key",
            Self::Json => "JSON",
        }
    }
}

/// Why a file is nothing that was saved of an account, and what to do.
pub(crate) fn unread(bytes: &[u8], error: &SavedFileError) -> String {
    let text = text_file::read_text(bytes).ok();
    let text = text.as_ref().map_or("", |text| text.expose_str());
    match (Content::of(text), error) {
        (Some(Content::RecoveryKey), _) => "this is a recovery key: name its file with --recovery-key-file, and with --from what was \
                                            saved of the account"
            .into(),
        (Some(Content::WebPage), _) => format!("this is a web page, and nothing of an account: {FETCH}"),
        (_, SavedFileError::NotJson) if text.trim_start().starts_with(['{', '[']) => {
            format!("this JSON was cut off or is damaged: {FETCH}")
        }
        (_, SavedFileError::NotJson) => {
            format!("this is not JSON, and so nothing that a homeserver has of an account: {FETCH}")
        }
        (_, SavedFileError::UnknownKind) => {
            format!("this is JSON of an unknown kind, and nothing of an account: {FETCH}")
        }
        _ => format!("{error}; {FETCH}"),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

const FETCH: &str =
    "save everything again with \u{201c}strongroom fetch\u{201d}, and name its folder";
