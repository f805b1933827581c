//! The Secrets in `secrets/`: one file each, at `NAMESPACE/NAME.yaml`.

use std::{fs, io, path::Path};

use seal_api::Reason;
use seal_manifest::write;
use seal_sealing::Secret;
use zeroize::Zeroizing;

use super::{
    digest::Digest,
    documents::objects,
    input::{self, Unread},
    layout::{Layout, link_below, write_private},
    object_name::ObjectName,
    tree::tree,
};
use crate::plan::{Owner, Target, is_owned_by};

/// The file of a Secret as it is.
#[derive(Debug)]
pub(super) struct TargetFile {
    bytes: Option<Zeroizing<Vec<u8>>>,
}

/// What stands in the file of a Secret.
#[derive(Debug)]
pub(super) enum Content {
    /// There is no file.
    Absent,
    /// Something else than one Secret of that name.
    Rubbish,
    /// The Secret.
    Secret(Box<Secret>),
}

impl TargetFile {
    /// Reads the file at a path in `secrets/`; a link on the way is refused.
    pub(super) fn read(layout: &Layout, path: &Path) -> Result<Self, Unread> {
        if let Some(message) = link_below(&layout.secrets(), path) {
            let reason = Reason::NotManaged;
            return Err(Unread { reason, message });
        }
        Ok(Self {
            bytes: input::read(path)?,
        })
    }

    /// Tells whether it is still the same; none where there is no file.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.bytes.as_deref().map(|bytes| Digest::of(&[bytes]))
    }

    /// Takes the file apart.
    pub(super) fn content(&self, name: &ObjectName) -> Content {
        match &self.bytes {
            None => Content::Absent,
            Some(bytes) => match secret(bytes, name) {
                Some(secret) => Content::Secret(Box::new(secret)),
                None => Content::Rubbish,
            },
        }
    }
}

impl Content {
    /// As a decision sees it.
    pub(super) fn as_target(&self) -> Target<'_> {
        match self {
            Self::Absent => Target::Absent,
            Self::Rubbish => Target::Unreadable,
            Self::Secret(secret) => Target::Present(secret),
        }
    }
}

/// The one Secret in a file, if it has the name that the file says.
fn secret(bytes: &[u8], name: &ObjectName) -> Option<Secret> {
    let mut objects = objects(bytes).into_iter();
    let (Some(Ok(object)), None) = (objects.next(), objects.next()) else {
        return None;
    };
    if object.api_version != "v1" || object.kind != "Secret" {
        return None;
    }
    let secret = Secret::from_json(&object.node.to_json()).ok()?;
    let is_it = secret.name() == name.name() && secret.namespace() == name.namespace();
    is_it.then_some(secret)
}

/// Writes a Secret; its digest as [`TargetFile::digest`] will tell it.
pub(super) fn write_secret(layout: &Layout, path: &Path, secret: &Secret) -> io::Result<Digest> {
    // It was none when it was read.
    if let Some(message) = link_below(&layout.secrets(), path) {
        return Err(io::Error::other(message));
    }
    let text = write::yaml(secret).map_err(io::Error::other)?;
    write_private(path, text.as_bytes())?;
    Ok(Digest::of(&[text.as_bytes()]))
}

/// Deletes the file of a Secret, and its folder if it was the last one.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(folder) = path.parent() {
        // It fails where other Secrets are in it, which is what we want.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// The objects whose Secrets are in `secrets/` under an owner reference of ours, without those that `is_known`.
pub(super) fn owned(layout: &Layout, is_known: impl Fn(&ObjectName) -> bool) -> Vec<ObjectName> {
    let files = tree(&layout.secrets()).files;
    let names = files.iter().filter_map(|(file, path)| {
        let (namespace, name) = file.strip_suffix(".yaml")?.split_once('/')?;
        let name = ObjectName::new(namespace, name)
            .ok()
            .filter(|name| !is_known(name))?;
        let Content::Secret(secret) = TargetFile::read(layout, path).ok()?.content(&name) else {
            return None;
        };
        let owner = Owner {
            name: name.name(),
            uid: &name.uid(),
        };
        is_owned_by(&secret, &owner).then_some(name)
    });
    names.collect()
}
