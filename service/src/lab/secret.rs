//! Everything random and every password hash of the lab.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};

use super::LabError;

/// 128 bits: out of reach of any guessing.
const PASSWORD_BYTES: usize = 16;
const TOKEN_BYTES: usize = 32;
const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 16;

/// A new password, in letters that need no quotes anywhere.
pub fn password() -> Result<String, LabError> {
    random_hex::<PASSWORD_BYTES>().map_err(unavailable)
}

/// A new id as Keystone's look: 32 hexadecimal digits.
pub fn id() -> Result<String, LabError> {
    random_hex::<ID_BYTES>().map_err(unavailable)
}

/// A new token of 256 bits.
pub fn token() -> Result<String, getrandom::Error> {
    random_hex::<TOKEN_BYTES>()
}

fn random_hex<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn unavailable(error: getrandom::Error) -> LabError {
    LabError::Secret(format!("the system gives no random numbers ({error})"))
}

/// What is kept of a password (argon2id with its usual costs). Blocking: some ten milliseconds.
pub fn hash(password: &str) -> Result<String, LabError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(unavailable)?;
    let failed = |error: argon2::password_hash::Error| LabError::Secret(error.to_string());
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Whether it is the password. Blocking, and just as long for a wrong one.
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash("right").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify("right", &hash));
        assert!(!verify("wrong", &hash));
        assert!(!verify("right", "no hash"));
    }

    #[test]
    fn tokens_are_256_bits_and_never_the_same() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }
}
