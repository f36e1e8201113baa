//! What was given, as a database keeps it.

use serde_json::Value;

/// Deepest lists within lists that are kept.
const LEVELS_MAX: usize = 64;
/// Most letters of a number, and the largest exponent, that are kept.
const NUMBER_LETTERS_MAX: usize = 300;
const EXPONENT_MAX: i32 = 300;

/// The document of a text, or nothing where `jsonb` would not take it.
pub fn storable(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value| is_storable(value, LEVELS_MAX))
}

fn is_storable(value: &Value, levels: usize) -> bool {
    let is_text = |text: &str| !text.contains('\0');
    let Some(below) = levels.checked_sub(1) else { return false };
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => is_text(text),
        Value::Number(number) => is_storable_number(&number.to_string()),
        Value::Array(elements) => elements.iter().all(|element| is_storable(element, below)),
        Value::Object(members) => {
            members.iter().all(|(name, member)| is_text(name) && is_storable(member, below))
        }
    }
}

fn is_storable_number(text: &str) -> bool {
    let exponent =
        text.split_once(['e', 'E']).map_or(Ok(0), |(_, exponent)| exponent.parse::<i32>());
    text.len() <= NUMBER_LETTERS_MAX
        && exponent.is_ok_and(|exponent| (-EXPONENT_MAX..=EXPONENT_MAX).contains(&exponent))
}
