//! The fixed keys and certificates in `tests/keys/`; its README says what each is.

use std::{fs, path::PathBuf};

/// The sizes of RSA keys that are accepted; `rsa-<bits>.key` and `rsa-<bits>.crt` are there for each.
pub const SIZES: [u32; 4] = [2048, 3072, 4096, 8192];

/// Returns the path of a file in `tests/keys/`, such as `rsa-4096.crt`.
pub fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("keys")
        .join(name);
    assert!(path.is_file(), "there is no {name} in tests/keys");
    path
}

/// Returns the PEM text of a file in `tests/keys/`.
pub fn pem(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}
