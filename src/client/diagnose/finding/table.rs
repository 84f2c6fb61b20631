//! How findings are stated: each once, in one row of a table, so that variant, code, severity, remedy and sentence agree. A
//! finding is no error: nothing has failed.

/// Makes an enum of rows
///
/// ```text
/// /// When it is found.
/// Variant { field: Type } = "topic.code", Severity, remedy or None, "The sentence, with {field}.";
/// ```
///
/// Severity and remedy may use the fields. In the sentence a field stands as
/// [`Argument::in_sentence`](super::argument::Argument::in_sentence) shows it. To add a finding, add a row, and a
/// case to `tests/diagnose/cases.rs`.
macro_rules! findings {
    (
        $(#[$about:meta])*
        enum $name:ident {
            $(
                $(#[$doc:meta])*
                $variant:ident $({ $($field:ident: $type:ty),* $(,)? })? =
                    $code:literal, $severity:expr, $remedy:expr, $sentence:literal;
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(in super::super) enum $name {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\n`", $code, "`: *", $sentence, "*")]
                $variant $({ $($field: $type),* })?,
            )*
        }

        #[allow(unused_variables, reason = "not every row needs every field")]
        impl $name {
            pub(super) const CODES: &[&str] = &[$($code),*];

            pub(super) fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                }
            }

            pub(super) fn severity(&self) -> Severity {
                match self {
                    $(Self::$variant $({ $($field),* })? => $severity,)*
                }
            }

            pub(super) fn remedy(&self) -> Option<Remedy> {
                match self {
                    $(Self::$variant $({ $($field),* })? => $remedy,)*
                }
            }

            pub(super) fn arguments(&self, names: &mut Names) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        vec![$($((stringify!($field), $field.plain(names))),*)?]
                    })*
                }
            }

            pub(super) fn sentence(&self, names: &mut Names) -> String {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(let $field = $field.in_sentence(names);)*)?
                        format!($sentence)
                    })*
                }
            }
        }
    };
}

pub(super) use findings;
