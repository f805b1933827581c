//! Why a peer could not be had, in words that say what to do about it.

use std::{fmt, io, path::PathBuf};

/// Why a peer could not be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no `go` on the PATH.
    FindGo {
        /// The peer that was to be built.
        tool: &'static str,
        /// The version its module asks for.
        needed: String,
    },
    /// `go build` ran and failed; its own messages are included.
    Build {
        /// The peer that was to be built.
        tool: &'static str,
        /// What `go` wrote to standard error.
        messages: String,
    },
    /// A file or folder of the build could not be read or written.
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Neither `SEAL_TOOLS_DIR`, `XDG_CACHE_HOME` nor `HOME` says where to keep what is built.
    FindCache,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FindGo { tool, needed } => write!(
                f,
                "building {tool} needs Go {needed} or newer and there is no `go` on the PATH \
                 (Debian: package golang-go, from backports where the release's own is older)"
            ),
            Self::Build { tool, messages } => write!(f, "go could not build {tool}:\n{messages}"),
            Self::File { path, .. } => write!(f, "cannot use {}", path.display()),
            Self::FindCache => write!(
                f,
                "set SEAL_TOOLS_DIR, XDG_CACHE_HOME or HOME: there is no folder to keep built tools in"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::FindGo { .. } | Self::Build { .. } | Self::FindCache => None,
        }
    }
}
