//! People who sign in: which kind they are, and the bounds of what they may call themselves.

text_enum! {
    /// A person is of one kind for good: a path belongs to one role.
    UserKind { Worker = "worker", Brand = "brand", Staff = "staff" }
}

text_enum! {
    StaffRole { Reviewer = "reviewer", Finance = "finance", Admin = "admin" }
}

text_enum! {
    /// `erased`: nothing is left that says who it was.
    UserState { Active = "active", Suspended = "suspended", Erased = "erased" }
}

/// Shortest password accepted; length is the only rule, as NIST SP 800-63B advises.
pub const PASSWORD_MIN_CHARS: usize = 10;
/// Longest password accepted: hashing cost must stay bounded.
pub const PASSWORD_MAX_CHARS: usize = 256;

/// One `@`, something on both sides, no spaces or control characters, at most 254 bytes; stored in lower case.
pub fn normal_email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (local, host) = email.split_once('@')?;
    let fits = !local.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains('@')
        && email.len() <= 254
        && email.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\",;\\".contains(c));
    fits.then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_lower_case_and_has_two_sides() {
        assert_eq!(normal_email(" Ana@Example.org "), Some("ana@example.org".to_owned()));
        for bad in ["", "ana", "@x.y", "ana@", "a@b@c.d", "ana@host", "a b@c.d", "a@.d", "a\u{7}@b.c"] {
            assert_eq!(normal_email(bad), None, "{bad:?}");
        }
    }
}
