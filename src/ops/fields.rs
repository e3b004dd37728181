//! Collects what is wrong with a request, all of it, before it is refused once. The bounds stand at the call.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer};

use crate::domain::refusal::{Code, FieldError, Outcome, Refusal};

/// The complaints so far.
#[derive(Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    pub fn add(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, detail));
    }

    pub fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// One line: at most `max` characters, no control characters, no blank at its beginning.
    pub fn line(&mut self, pointer: &str, text: &str, max: usize) {
        self.text(pointer, text, max);
        if text.chars().any(is_control) {
            self.add(pointer, "control_character", "Line breaks and control characters are not allowed.");
        }
    }

    pub fn optional_line(&mut self, pointer: &str, text: Option<&str>, max: usize) {
        if let Some(text) = text {
            self.line(pointer, text, max);
        }
    }

    /// Some lines: at most `max` characters, no blank at their beginning.
    pub fn text(&mut self, pointer: &str, text: &str, max: usize) {
        if text.chars().next().is_none_or(char::is_whitespace) {
            self.add(pointer, "empty", "It must not be empty or begin with a blank.");
        }
        if text.chars().count() > max {
            self.add(pointer, "too_long", format!("At most {max} characters."));
        }
        if text.contains('\0') {
            self.add(pointer, "control_character", "The character U+0000 is not allowed.");
        }
    }

    pub fn number(&mut self, pointer: &str, number: i64, range: RangeInclusive<i64>) {
        if !range.contains(&number) {
            self.add(pointer, "out_of_range", format!("It lies in {}..={}.", range.start(), range.end()));
        }
    }

    pub fn count(&mut self, pointer: &str, length: usize, max: usize) {
        if length > max {
            self.add(pointer, "too_many", format!("At most {max} entries."));
        }
    }

    /// A name for machines: a letter or digit, then letters, digits, `.`, `_` and `-`.
    pub fn slug(&mut self, pointer: &str, text: &str, max: usize) {
        let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts || text.len() > max || !text.chars().all(good) {
            let detail =
                format!("1 to {max} letters, digits, dots, dashes and underscores, the first a letter or digit.");
            self.add(pointer, "invalid", detail);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_errors(self) -> Vec<FieldError> {
        self.0
    }

    /// Refuses with `invalid_request` when there was a complaint.
    pub fn finish(self) -> Outcome<()> {
        self.finish_as(Code::InvalidRequest)
    }

    pub fn finish_as(self, code: Code) -> Outcome<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::fields(code, self.0).into()) }
    }
}

fn is_control(c: char) -> bool {
    c < ' ' || c == '\u{7f}'
}

/// For a field that may be left out but not be `null`.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_is_kept() {
        let mut fields = Fields::default();
        fields.line("/name", " \n", 1);
        fields.number("/n", 0, 1..=5);
        fields.slug("/key", "-a", 8);
        fields.slug("/fine", "a.b-c_1", 8);
        fields.optional_line("/city", None, 3);
        let failure = fields.finish().expect_err("there are complaints");
        assert_eq!(failure.code(), Some(Code::InvalidRequest));
        let crate::domain::refusal::Failure::Refused(refusal) = failure else { panic!("a refusal") };
        let codes: Vec<&str> = refusal.errors.iter().map(|e| e.code.as_str()).collect();
        assert_eq!(codes, ["empty", "too_long", "control_character", "out_of_range", "invalid"]);
    }
}
