//! A diagnosis in words, and as JSON.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::{Comparison, Diagnosis, Finding, MissingEvidence};

impl fmt::Display for Diagnosis {
    /// A line for each finding, what matters most first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings().iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {finding}", finding.severity().code())?;
        }
        Ok(())
    }
}

impl Serialize for Diagnosis {
    /// An object with `verdict` (a name), `findings`, and `compared` and `missing` (arrays of names).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Diagnosis", 4)?;
        object.serialize_field("verdict", self.verdict().code())?;
        object.serialize_field("findings", self.findings())?;
        let compared: Vec<_> = self.compared().into_iter().map(Comparison::code).collect();
        object.serialize_field("compared", &compared)?;
        let missing: Vec<_> = self.missing().into_iter().map(MissingEvidence::code).collect();
        object.serialize_field("missing", &missing)?;
        object.end()
    }
}

impl Serialize for Finding {
    /// An object with `code`, `severity`, `sentence`, `arguments` (an object of strings) and `remedy` (a name or
    /// `null`).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Finding", 5)?;
        object.serialize_field("code", self.code())?;
        object.serialize_field("severity", self.severity().code())?;
        object.serialize_field("sentence", &self.to_string())?;
        let arguments: BTreeMap<_, _> = self.arguments().into_iter().collect();
        object.serialize_field("arguments", &arguments)?;
        object.serialize_field("remedy", &self.remedy().map(|remedy| remedy.code()))?;
        object.end()
    }
}
