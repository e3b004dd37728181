//! Passwords: argon2id with the OWASP parameters (19 MiB, 2 passes), stored as PHC strings.

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::domain::refusal::{FieldError, Refusal};
use crate::domain::user::{PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS};

fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("parameters within the bounds of argon2");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Refuses a password that is too short or too long; `pointer` names the field.
pub fn check_shape(password: &str, pointer: &str) -> Result<(), FieldError> {
    if !(PASSWORD_MIN_CHARS..=PASSWORD_MAX_CHARS).contains(&password.chars().count()) {
        let detail = format!("A password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters.");
        return Err(FieldError::new(pointer, "password_length", detail));
    }
    Ok(())
}

/// Hashing takes 19 MiB each: a crowd at the door must not take all memory.
const AT_ONCE: usize = 4;
static RUNNING: Mutex<usize> = Mutex::new(0);
static FREE: Condvar = Condvar::new();

struct Turn;

impl Turn {
    fn wait() -> Turn {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= AT_ONCE {
            running = FREE.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREE.notify_one();
    }
}

/// Costs some 20 ms of a core on purpose.
pub fn hash(password: &str) -> Result<String, Refusal> {
    let _turn = Turn::wait();
    hasher()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| Refusal::field("/password", "password", "This password cannot be hashed."))
}

pub fn matches(password: &str, stored: &str) -> bool {
    let _turn = Turn::wait();
    PasswordHash::new(stored).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Takes as long as a real comparison, so that an unknown e-mail address cannot be told from a wrong password.
pub fn burn(password: &str) {
    let _ = hash(password);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let stored = hash("correct horse battery").expect("hashes");
        assert!(stored.starts_with("$argon2id$"));
        assert!(matches("correct horse battery", &stored));
        assert!(!matches("Correct horse battery", &stored));
        assert!(!matches("x", "not a hash"));
    }
}
