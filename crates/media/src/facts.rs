//! What files say of themselves, by name.

use sensorium_types::Fields;

/// Characters of a fact at most.
const LONGEST: usize = 1000;

/// Keeps `number` as `name`.
pub(crate) fn put_number(facts: &mut Fields, name: &str, number: f64) {
    if number.is_finite() {
        // 640 rather than 640.0.
        let value = match number.fract() == 0.0 && number.abs() < 9e15 {
            true => (number as i64).into(),
            false => number.into(),
        };
        facts.insert(name.to_owned(), value);
    }
}

/// Keeps `text` as `name`, unless there is none or it is empty.
pub(crate) fn put_text(facts: &mut Fields, name: &str, text: Option<String>) {
    let text: String = text.unwrap_or_default().trim().chars().take(LONGEST).collect();
    if !text.is_empty() {
        facts.insert(name.to_owned(), text.into());
    }
}
