//! What the user may type. The doc comments are the help text.
//!
//! Flags that the Go project sealed-secrets has keep their name, default, meaning and environment variable.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use clap::{Parser, ValueEnum};
use jiff::SignedDuration;
use seal_envelope::KeySize;

use crate::{duration, telemetry::Threshold};

/// Turn SealedSecrets into Secrets and keep them so.
///
/// In the folder given by --directory everything is a file: sealing keys in keys/, SealedSecrets in sealed/, the Secrets
/// made of them in secrets/, and what became of each in status/. Missing folders are made, and so is the first key.
///
/// Without --once the folders are watched: a changed SealedSecret changes its Secret, a Secret that somebody else
/// changed is repaired, a deleted SealedSecret takes its Secret with it, a new key opens at once what waited for it.
/// /healthz, /readyz and /v1/cert.pem are served for this machine only.
#[derive(Debug, Clone, Parser)]
#[command(name = "seal-controller", disable_version_flag = true)]
pub struct Args {
    /// The folder with keys/, sealed/, secrets/ and status/.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// Go through everything once, print what is not right, and end: 0 if every Secret is as its SealedSecret says, 3 if
    /// one is not or a file is broken, 1 if it could not work at all.
    #[arg(long)]
    pub once: bool,

    /// Where to serve HTTP: an address of this machine and a port.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_LISTEN_ADDR",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        value_parser = loopback
    )]
    pub listen_addr: SocketAddr,

    /// How old the newest key gets before a new one is made; 0 makes none after the first.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_KEY_RENEW_PERIOD",
        value_name = "DURATION",
        default_value = "720h",
        value_parser = duration::parse,
        help_heading = "Keys"
    )]
    pub key_renew_period: SignedDuration,

    /// How long the certificate of a new key is valid. An expired key goes on opening.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_KEY_TTL",
        value_name = "DURATION",
        default_value = "87600h",
        value_parser = duration::parse_positive,
        help_heading = "Keys"
    )]
    pub key_ttl: SignedDuration,

    /// The size of a new key in bits: 2048, 3072, 4096 or 8192.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_KEY_SIZE",
        value_name = "BITS",
        default_value = "4096",
        value_parser = key_size,
        help_heading = "Keys"
    )]
    pub key_size: KeySize,

    /// How the name of a new key begins; five random characters follow.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_KEY_PREFIX",
        value_name = "NAME",
        default_value = "sealed-secrets-key",
        value_parser = key_prefix,
        help_heading = "Keys"
    )]
    pub key_prefix: String,

    /// The common name in the certificate of a new key.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_MY_CN",
        value_name = "NAME",
        default_value = "",
        help_heading = "Keys"
    )]
    pub my_cn: String,

    /// Open the deprecated form spec.data as well.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_ACCEPT_DEPRECATED_V1_DATA",
        value_name = "BOOL",
        default_value = "true",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        value_parser = boolean,
        help_heading = "Secrets"
    )]
    pub accept_deprecated_v1_data: bool,

    /// Make Secrets of types that Kubernetes itself acts on (service account and bootstrap tokens) as well.
    #[arg(long, help_heading = "Secrets")]
    pub allow_restricted_types: bool,

    /// The form of the log.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_LOG_FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Log"
    )]
    pub log_format: LogFormat,

    /// The least level that is logged: DEBUG, INFO, WARN or ERROR.
    #[arg(
        long,
        hide_env_values = true,
        env = "SEALED_SECRETS_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "INFO",
        help_heading = "Log"
    )]
    pub log_level: Threshold,

    /// Print the version and end.
    #[arg(long)]
    pub version: bool,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// An address that only this machine reaches: the answers are not encrypted, and nobody is asked who he is.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    // In Go's form `:8080` every address of the machine is meant.
    let whole = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    let addresses = whole
        .to_socket_addrs()
        .map_err(|_| "is not an address and a port, such as 127.0.0.1:8080")?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let all_here = addresses.iter().all(|address| address.ip().is_loopback());
    match addresses.first() {
        Some(first) if all_here => Ok(*first),
        _ => Err("must be a loopback address, such as 127.0.0.1:8080: with --directory nobody outside this machine is served".to_owned()),
    }
}

fn key_size(text: &str) -> Result<KeySize, String> {
    let bits: usize = text.parse().map_err(|_| "is not a number".to_owned())?;
    KeySize::try_from(bits).map_err(|error| error.to_string())
}

/// Upstream's rule for the prefix: five characters have to fit behind it.
fn key_prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.len() <= 245 && text.chars().all(fits) && !text.is_empty() && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err("must be lower-case letters, digits and '-', not begin with '-', 245 characters at most".to_owned())
    }
}

/// What Go's `strconv.ParseBool` accepts.
fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn only_this_machine_is_served() {
        for right in ["127.0.0.1:8080", "[::1]:0", "127.3.2.1:1"] {
            assert!(loopback(right).is_ok(), "{right}");
        }
        for wrong in [
            ":8080",
            "0.0.0.0:8080",
            "192.0.2.1:80",
            "8080",
            "[::]:80",
            "",
        ] {
            assert!(loopback(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn legacy_data_is_accepted_unless_switched_off() {
        let parse = |flags: &[&str]| {
            let all = ["seal-controller", "--directory", "x"].iter().chain(flags);
            Args::try_parse_from(all)
                .expect("the flags are right")
                .accept_deprecated_v1_data
        };
        assert!(parse(&[]));
        assert!(parse(&["--accept-deprecated-v1-data"]));
        assert!(!parse(&["--accept-deprecated-v1-data=false"]));
        assert!(!parse(&["--accept-deprecated-v1-data=0"]));
    }
}
