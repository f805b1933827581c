//! Why an API server cannot be reached, in words that hold nothing of a kubeconfig.
//!
//! The client library shows the whole output of a program that signs in, its environment, and lines of what it could not
//! parse: tokens are among them.

use std::error::Error;

use kube::client::{
    AuthError,
    oidc_errors::{Error as OidcError, RefreshError},
};

/// The most that is repeated of what a program that signs in says for people.
const LONGEST_WORDS: usize = 500;

/// Why a client cannot be made, or gets no answer: the error with its causes, each said once.
pub fn why_unreachable(error: &kube::Error) -> String {
    match error {
        kube::Error::ProxyProtocolUnsupported { proxy_url }
        | kube::Error::ProxyProtocolDisabled { proxy_url, .. } => {
            let scheme = proxy_url.scheme_str().unwrap_or_default();
            format!("no proxy can be used by the protocol {scheme:?}")
        }
        kube::Error::Auth(error) => of_signing_in(error),
        kube::Error::Service(error) => causes(error.as_ref()),
        kube::Error::InferKubeconfig(error) => causes(error),
        other => causes(other),
    }
}

fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let auth = error.downcast_ref::<AuthError>();
        let said = auth.map_or_else(|| error.to_string(), of_signing_in);
        // The words of a library, which say nothing to anybody.
        let is_empty = said.starts_with("client error (") && error.source().is_some();
        if text.is_empty() && !is_empty {
            text = said;
        } else if !is_empty && !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        if auth.is_some() {
            break;
        }
        next = error.source();
    }
    text
}

fn of_signing_in(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => {
            format!("the program that the kubeconfig signs in with cannot be run: {error}")
        }
        AuthError::AuthExecRun { out, .. } => {
            let ended = format!(
                "the program that the kubeconfig signs in with ended with {}",
                out.status
            );
            // What it says for people; kubectl shows it as well. What it hands over stands in its output.
            let words = String::from_utf8_lossy(&out.stderr);
            let words: String = words.trim().chars().take(LONGEST_WORDS).collect();
            if words.is_empty() {
                ended
            } else {
                format!("{ended}: {words}")
            }
        }
        AuthError::AuthExecParse(_)
        | AuthError::ParseTokenKey(_)
        | AuthError::MalformedTokenExpirationDate(_) => {
            "the program that the kubeconfig signs in with printed something else than credentials"
                .to_owned()
        }
        AuthError::AuthExec(_) => {
            "the kubeconfig signs in by a way that does not work here".to_owned()
        }
        AuthError::ReadTokenFile(error, path) => {
            format!("the token file {} cannot be read: {error}", path.display())
        }
        AuthError::Oidc(error) => of_identity_provider(error),
        other => format!("cannot sign in: {other}"),
    }
}

/// What parsers say of a token or of an answer is left out: they quote it.
fn of_identity_provider(error: &OidcError) -> String {
    match error {
        OidcError::IdToken(_) => {
            "cannot sign in: the id-token of the kubeconfig is no token of an identity provider"
                .to_owned()
        }
        OidcError::Refresh(
            RefreshError::InvalidMetadata(_) | RefreshError::InvalidTokenResponse(_),
        ) => "cannot sign in: the identity provider's answer cannot be understood".to_owned(),
        OidcError::Refresh(RefreshError::InvalidURI(_)) => {
            "cannot sign in: the address of the identity provider is no URL".to_owned()
        }
        other => format!("cannot sign in: {}", causes(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::{io, os::unix::process::ExitStatusExt, process};

    use super::*;

    const MARKER: &str = "token-Marker1";

    #[track_caller]
    fn check(error: AuthError, expected: &str) {
        let text = of_signing_in(&error);
        assert_eq!(text, expected);
        let boxed = kube::Error::Service(Box::new(error));
        assert_eq!(why_unreachable(&boxed), expected);
    }

    fn ran(stderr: &str) -> AuthError {
        AuthError::AuthExecRun {
            cmd: format!("PASSWORD={MARKER} login"),
            out: Box::new(process::Output {
                status: process::ExitStatus::from_raw(0x100),
                stdout: MARKER.into(),
                stderr: stderr.into(),
            }),
        }
    }

    #[test]
    fn nothing_is_shown_of_what_a_program_that_signs_in_hands_over() {
        let ended = "the program that the kubeconfig signs in with ended with exit status: 1";
        check(ran(""), ended);
        check(
            ran("the session has expired\n"),
            &format!("{ended}: the session has expired"),
        );
        let parsed: Result<Vec<u8>, _> = serde_json::from_str(&format!("{MARKER:?}"));
        check(
            AuthError::ParseTokenKey(parsed.expect_err("it is a text")),
            "the program that the kubeconfig signs in with printed something else than credentials",
        );
    }

    #[test]
    fn what_an_identity_provider_says_is_not_repeated() {
        let quoting = || {
            let parsed: Result<Vec<u8>, _> = serde_json::from_str(&format!("{MARKER:?}"));
            parsed.expect_err("it is a text")
        };
        for error in [
            RefreshError::InvalidTokenResponse,
            RefreshError::InvalidMetadata,
        ] {
            check(
                AuthError::Oidc(OidcError::Refresh(error(quoting()))),
                "cannot sign in: the identity provider's answer cannot be understood",
            );
        }
        check(
            AuthError::Oidc(OidcError::IdToken(quoting().into())),
            "cannot sign in: the id-token of the kubeconfig is no token of an identity provider",
        );
    }

    #[test]
    fn each_cause_is_said_once() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let outer = io::Error::other(refused);
        let error = kube::Error::Service(Box::new(outer));
        assert_eq!(why_unreachable(&error), "refused");
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let error = kube::Error::ProxyProtocolUnsupported {
            proxy_url: Box::new(format!("ftp://me:{MARKER}@proxy").parse().expect("a URL")),
        };
        assert_eq!(
            why_unreachable(&error),
            "no proxy can be used by the protocol \"ftp\""
        );
    }
}
