//! Certificates over HTTP, for `seal cert` and `--cert URL`. Besides, only `cluster` uses the network.

use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

use seal_api::Reason;
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

use crate::problem::{Place, Problem};

/// The path of a controller's certificate.
const CERTIFICATE_PATH: &str = "/v1/cert.pem";
/// How many redirects kubeseal follows.
const REDIRECTS: u32 = 10;
/// How long a whole request may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The URL that `source` means, or `None` where it is a file.
///
/// A URL without a path is a controller's: its certificate lies at `/v1/cert.pem`.
pub(crate) fn url_of(source: &str) -> Option<String> {
    let (scheme, rest) = source.split_once("://").filter(|_| is_url(source))?;
    let (authority, path) = split_authority(rest);
    match path {
        "" | "/" => Some(format!("{scheme}://{authority}{CERTIFICATE_PATH}")),
        _ => Some(source.to_owned()),
    }
}

/// The user, host and port of a URL, and what follows them.
fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Whether a source is a URL that is fetched.
pub(crate) fn is_url(source: &str) -> bool {
    let scheme = source
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ["http", "https"].contains(&scheme.as_str()))
}

/// A source as it may be shown: of a URL, without the user and password in it.
pub(crate) fn shown(source: &str) -> String {
    let Some((scheme, rest)) = source.split_once("://") else {
        return source.to_owned();
    };
    let (authority, path) = split_authority(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// Whether a URL is one of this machine, to which no proxy leads.
pub(crate) fn is_loopback(url: &str) -> bool {
    let shown = shown(url);
    let rest = shown.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, _) = split_authority(rest);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    let is_loopback = |ip: IpAddr| ip.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

/// The file that `source` means; `file:///etc/cert.pem` is a path too.
pub(crate) fn path_of(source: &str) -> &Path {
    Path::new(source.strip_prefix("file://").unwrap_or(source))
}

/// Fetches at most `limit` bytes. Proxies are those of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), none for
/// this machine itself. A redirect is not followed: the address named is the one that is trusted.
pub(crate) fn get(url: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    let shown = shown(url);
    let failed = |cause: String| {
        let cause = cause.replace(url, &shown);
        Problem::new(Reason::FetchFailed, cause).at(Place::file(&shown))
    };
    let mut response = agent(url, 0)
        .get(url)
        .header("Accept", "application/x-pem-file, */*")
        .call()
        .map_err(|error| {
            failed(explain(&error)).hint("check the address, or name a certificate file")
        })?;
    if response.status().is_redirection() {
        let cause = format!(
            "the server answered {}, a redirect",
            response.status().as_u16()
        );
        return Err(failed(cause).hint("name the address it leads to, if that one is trusted"));
    }
    response
        .body_mut()
        .with_config()
        .limit(limit as u64)
        .read_to_vec()
        .map_err(|error| failed(explain(&error)))
}

/// Fetches at most `limit` bytes as kubeseal does: the address as it is, redirects followed.
pub(crate) fn get_as_named(url: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    let shown = shown(url);
    let failed = |error: &ureq::Error| {
        let cause = match error {
            ureq::Error::StatusCode(code) => match http::StatusCode::from_u16(*code) {
                Ok(status) => status.to_string(),
                Err(_) => code.to_string(),
            },
            other => other.to_string().replace(url, &shown),
        };
        Problem::new(
            Reason::FetchFailed,
            format!("cannot fetch {shown:?}: {cause}"),
        )
    };
    let mut response = agent(url, REDIRECTS)
        .get(url)
        .header("Accept", "application/x-pem-file, */*")
        .call()
        .map_err(|error| failed(&error))?;
    response
        .body_mut()
        .with_config()
        .limit(limit as u64)
        .read_to_vec()
        .map_err(|error| failed(&error))
}

fn agent(url: &str, redirects: u32) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .max_redirects(redirects)
        .timeout_global(Some(TIME_LIMIT));
    let config = if is_loopback(url) {
        config.proxy(None)
    } else {
        config
    };
    config.build().into()
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
        check("http://a:1?key=b", Some("http://a:1?key=b"));
        check("http://", Some("http:///v1/cert.pem"));
    }

    #[test]
    fn everything_else_is_a_file() {
        check("cert.pem", None);
        check("C://cert.pem", None);
        check("file:///etc/cert.pem", None);
        assert_eq!(path_of("file:///etc/cert.pem"), Path::new("/etc/cert.pem"));
    }

    #[test]
    fn users_and_passwords_are_not_shown() {
        assert_eq!(
            shown("https://me:pw@example.com/a@b"),
            "https://example.com/a@b"
        );
        assert_eq!(shown("https://example.com"), "https://example.com");
        assert_eq!(shown("me@cert.pem"), "me@cert.pem");
        assert_eq!(shown("htps://me:pw@example.com"), "htps://example.com");
    }

    #[test]
    fn this_machine_is_known() {
        for url in [
            "http://127.0.0.1:8080/x",
            "http://[::1]:1",
            "http://a:b@LOCALHOST",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://localhost.example.com",
            "http://127.0.0.1@example.com/",
            "http://10.0.0.1",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
