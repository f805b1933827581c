//! Certificates over HTTP, for `seal cert` and `--cert URL`. Nothing else of `seal` uses the network.

use std::{path::Path, sync::Arc, time::Duration};

use seal_api::Reason;
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

use crate::problem::{Place, Problem};

/// The path of a controller's certificate.
const CERTIFICATE_PATH: &str = "/v1/cert.pem";
/// How long a whole request may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The URL that `source` means, or `None` where it is a file.
///
/// A URL without a path is a controller's: its certificate lies at `/v1/cert.pem`.
pub(crate) fn url_of(source: &str) -> Option<String> {
    let (scheme, rest) = source.split_once("://")?;
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    match rest.split_once('/') {
        None | Some((_, "")) => Some(format!(
            "{}{CERTIFICATE_PATH}",
            source.trim_end_matches('/')
        )),
        Some(_) => Some(source.to_owned()),
    }
}

/// The file that `source` means; `file:///etc/cert.pem` is a path too.
pub(crate) fn path_of(source: &str) -> &Path {
    Path::new(source.strip_prefix("file://").unwrap_or(source))
}

/// Fetches at most `limit` bytes. Proxies are those of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
pub(crate) fn get(url: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    let failed = |cause: String| Problem::new(Reason::FetchFailed, cause).at(Place::file(url));
    let mut response = agent()
        .get(url)
        .header("Accept", "application/x-pem-file, */*")
        .call()
        .map_err(|error| {
            failed(explain(&error)).hint("check the address, or name a certificate file")
        })?;
    response
        .body_mut()
        .with_config()
        .limit(limit as u64)
        .read_to_vec()
        .map_err(|error| failed(explain(&error)))
}

fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(TIME_LIMIT))
        .build()
        .into()
}

fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(code) => format!("the server answered {code}"),
        other => format!("cannot be fetched: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, url: Option<&str>) {
        assert_eq!(url_of(source).as_deref(), url);
    }

    #[test]
    fn a_controller_is_named_by_its_address_alone() {
        check(
            "http://127.0.0.1:8080",
            Some("http://127.0.0.1:8080/v1/cert.pem"),
        );
        check(
            "http://127.0.0.1:8080/",
            Some("http://127.0.0.1:8080/v1/cert.pem"),
        );
        check(
            "https://example.com/keys/prod.pem",
            Some("https://example.com/keys/prod.pem"),
        );
    }

    #[test]
    fn everything_else_is_a_file() {
        check("cert.pem", None);
        check("C://cert.pem", None);
        check("file:///etc/cert.pem", None);
        assert_eq!(path_of("file:///etc/cert.pem"), Path::new("/etc/cert.pem"));
    }
}
