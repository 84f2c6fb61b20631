//! JSON with secrets in it, read through serde without a trace.
//!
//! `serde_json` unescapes text into a buffer that nobody wipes, and puts what it did not expect into its error. This
//! deserialiser lends text where it stands, unescapes into wiped memory, and has an error without text. What is to be
//! secret is read as `&str`: it is then borrowed, or refused.

use std::fmt;

use serde::{
    Deserialize, Serialize, Serializer,
    de::{
        self, Deserializer, IntoDeserializer, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;

use super::{JsonText, RawObject, array, string};

/// A JSON value from which serde reads.
#[derive(Clone, Copy)]
pub(crate) struct WipedJson<'a>(pub(crate) &'a RawValue);

/// A value that is read and written as its text.
pub(crate) struct Verbatim<'a>(pub(crate) &'a RawValue);

/// It is not what was expected. What it is instead, nobody learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is not what was expected")]
pub(crate) struct Unexpected;

impl de::Error for Unexpected {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'a> WipedJson<'a> {
    fn members(self) -> Result<Vec<(Self, Self)>, Unexpected> {
        let object = RawObject::parse(self.0.get().as_bytes()).map_err(|_| Unexpected)?;
        Ok(object.iter().map(|(name, value)| (Self(name), Self(value))).collect())
    }
}

impl<'de> Deserializer<'de> for WipedJson<'de> {
    type Error = Unexpected;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unexpected> {
        let text = self.0.get();
        match text.as_bytes().first() {
            Some(b'"') => match string(self.0).map_err(|_| Unexpected)? {
                JsonText::Borrowed(text) => visitor.visit_borrowed_str(text),
                JsonText::Unescaped(text) => visitor.visit_str(text.expose_str()),
            },
            Some(b'[') => {
                let elements = array(self.0).ok_or(Unexpected)?;
                SeqDeserializer::new(elements.into_iter().map(Self)).deserialize_any(visitor)
            }
            Some(b'{') => self.deserialize_struct("", &[], visitor),
            Some(b'n') => visitor.visit_unit(),
            Some(b't') => visitor.visit_bool(true),
            Some(b'f') => visitor.visit_bool(false),
            _ => visitor.visit_u64(text.parse().map_err(|_| Unexpected)?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unexpected> {
        if self.0.get() == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unexpected> {
        match string(self.0) {
            Ok(variant) => visitor.visit_enum(variant.as_str().into_deserializer()),
            Err(_) => {
                let members = self.members()?;
                if members.len() != 1 {
                    return Err(Unexpected);
                }
                let members = MapDeserializer::new(members.into_iter());
                visitor.visit_enum(MapAccessDeserializer::new(members))
            }
        }
    }

    /// Members have names: an array is not taken for a struct, since a secret in it would be one for its place alone.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unexpected> {
        MapDeserializer::new(self.members()?.into_iter()).deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unexpected> {
        if name == VERBATIM {
            visitor.visit_borrowed_str(self.0.get())
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unexpected> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

impl<'de> IntoDeserializer<'de, Unexpected> for WipedJson<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl Serialize for Verbatim<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Verbatim<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Verbatim<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                serde_json::from_str(text).map(Verbatim).map_err(|_| E::custom(Unexpected))
            }
        }

        deserializer.deserialize_newtype_struct(VERBATIM, Text)
    }
}

/// What a [`Verbatim`] calls itself, so that the deserialiser lends it the text.
const VERBATIM: &str = "strongroom::Verbatim";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        name: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
        With(u64),
        Named { name: String },
    }

    fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unexpected> {
        T::deserialize(WipedJson(serde_json::from_str(text).unwrap()))
    }

    #[test]
    fn it_reads_what_serde_json_reads() {
        type Map = BTreeMap<String, Vec<Option<u64>>>;
        let text = r#"{"a\n":[1,null], "b":[]}"#;
        assert_eq!(read::<Map>(text).unwrap(), serde_json::from_str::<Map>(text).unwrap());
        assert_eq!(read(r#""plain""#), Ok(Kind::Plain));
        assert_eq!(read(r#"{"with":7}"#), Ok(Kind::With(7)));
        assert_eq!(read(r#"{"named":{"name":"\u0061"}}"#), Ok(Kind::Named { name: "a".into() }));
        assert_eq!(read("[true,false]"), Ok((true, false)));
        assert_eq!(read::<Verbatim<'_>>(r#"{"a": 1}"#).unwrap().0.get(), r#"{"a": 1}"#);
    }

    #[test]
    fn what_is_another_type_or_half_a_character_is_refused() {
        for text in [r#"{"with":7,"plain":1}"#, r#"{"with":"7"}"#, r#""with""#, "7", r#""x""#, "{}"]
        {
            assert_eq!(read::<Kind>(text), Err(Unexpected), "{text}");
        }
        assert_eq!(read::<String>(r#""\ud800""#), Err(Unexpected));
        assert_eq!(read::<u64>("-1"), Err(Unexpected));
        assert_eq!(read::<(u64, u64)>("[1,2,3]"), Err(Unexpected));
        assert_eq!(read::<Named>(r#"["a"]"#), Err(Unexpected));
        assert_eq!(read(r#"{"name":"a"}"#), Ok(Named { name: "a".into() }));
    }

    #[test]
    fn text_with_escapes_is_not_borrowed() {
        assert_eq!(read(r#""a/b""#), Ok("a/b"));
        assert_eq!(read::<&str>(r#""a\/b""#), Err(Unexpected));
    }
}
