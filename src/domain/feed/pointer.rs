//! JSON pointers (RFC 6901) into a document that is taken apart as text.

use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Fault;

/// Where a pointer leads, or the name that is there twice.
pub type Found<'a> = Result<Option<&'a RawValue>, String>;

/// Members of an object in their order, none lost.
struct Members<'a>(Vec<(String, &'a RawValue)>);

struct MembersVisitor;

impl<'a> Visitor<'a> for MembersVisitor {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

struct ElementsVisitor;

impl<'a> Visitor<'a> for ElementsVisitor {
    type Value = Vec<&'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Vec<&'a RawValue>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}

/// Members of an object in their order.
pub fn members(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    let mut reader = serde_json::Deserializer::from_str(value.get());
    (&mut reader).deserialize_map(MembersVisitor).ok().map(|members| members.0)
}

/// Elements of an array in their order.
pub fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    let mut reader = serde_json::Deserializer::from_str(value.get());
    (&mut reader).deserialize_seq(ElementsVisitor).ok()
}

/// What a JSON pointer leads to; the name of a member that is there twice.
pub fn at<'a>(value: &'a RawValue, pointer: &str) -> Found<'a> {
    let mut here = value;
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        let next = if here.get().starts_with('{') {
            let mut found =
                members(here).unwrap_or_default().into_iter().filter(|one| one.0 == name);
            let first = found.next();
            if found.next().is_some() {
                return Err(name);
            }
            first.map(|(_, member)| member)
        } else {
            let index = name.parse::<usize>().ok().filter(|index| index.to_string() == name);
            index.and_then(|index| elements(here).unwrap_or_default().into_iter().nth(index))
        };
        match next {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// The text of a string or a number, nothing of null.
pub fn text(field: &'static str, value: &RawValue) -> Result<Option<String>, Fault> {
    let given = value.get();
    match given.as_bytes().first() {
        Some(b'"') => serde_json::from_str(given)
            .map(Some)
            .map_err(|_| Fault::unfit(field, given, "text or number")),
        Some(b'n') => Ok(None),
        Some(b'-' | b'0'..=b'9') => Ok(Some(given.to_owned())),
        _ => Err(Fault::unfit(field, given, "text or number")),
    }
}
