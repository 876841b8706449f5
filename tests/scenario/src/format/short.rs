//! Types that can be written in a short form, a text or a number, as well as in full.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};

/// A type with short forms. By default it has none of them.
pub(super) trait Short: Sized {
    /// The forms, as an error names them.
    const EXPECTED: &str;

    /// The short form that is a text.
    fn of_text(_text: &str) -> Option<Self> {
        None
    }

    /// The short form that is a number.
    fn of_number(_number: u64) -> Option<Self> {
        None
    }

    /// The form that is a list.
    fn of_list<'de, D: Deserializer<'de>>(_list: D) -> Result<Self, D::Error> {
        Err(D::Error::invalid_type(Unexpected::Seq, &Self::EXPECTED))
    }

    /// The full form, an object.
    fn of_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error>;
}

/// Reads any of a type's forms. The first character decides which one it is; therefore, unlike with an untagged enum, an error in an inner
/// field names that field.
pub(super) fn read<'de, T: Short, D: Deserializer<'de>>(given: D) -> Result<T, D::Error> {
    given.deserialize_any(Forms(PhantomData))
}

struct Forms<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for Forms<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::of_text(text).ok_or_else(|| E::invalid_type(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::of_number(number).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(number), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(SeqAccessDeserializer::new(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::of_object(MapAccessDeserializer::new(object))
    }
}
