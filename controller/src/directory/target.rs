//! The Secrets in `secrets/`: one file each, at `NAMESPACE/NAME.yaml`.

use std::{io, path::Path};

use seal_api::Reason;
use seal_manifest::write;
use seal_sealing::Secret;
use seal_shell::{PlainFile, Replace};

use super::{
    documents::objects,
    input::{self, Unread},
    layout::{Layout, link_below, remove, write_private},
    object_name::ObjectName,
    tree::tree,
};
use crate::digest::Digest;
use crate::plan::{Owner, Target, is_owned_by};

/// The file of a Secret as it is.
#[derive(Debug)]
pub(super) struct TargetFile(Option<PlainFile>);

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
        input::read_below(&layout.secrets(), path).map(Self)
    }

    /// Whether others than its owner may read or write it.
    pub(super) fn is_open_to_others(&self) -> bool {
        self.0.as_ref().is_some_and(|file| file.is_open_to_others)
    }

    /// Tells whether it is still the same; none where there is no file.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.0.as_ref().map(|file| Digest::of(&[&file.bytes]))
    }

    /// Takes the file apart.
    pub(super) fn content(&self, name: &ObjectName) -> Content {
        match &self.0 {
            None => Content::Absent,
            Some(file) => match secret(&file.bytes, name) {
                Some(secret) => Content::Secret(Box::new(secret)),
                None => Content::Rubbish,
            },
        }
    }
}

impl Content {
    /// The Secret, where it is one.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Absent | Self::Rubbish => None,
            Self::Secret(secret) => Some(secret),
        }
    }

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

/// Writes a Secret in place of the one that was `observed`, and of no other one; its digest as [`TargetFile::digest`] will
/// tell it, or none where somebody wrote there meanwhile.
pub(super) fn write_secret(
    layout: &Layout,
    path: &Path,
    secret: &Secret,
    observed: Option<Digest>,
) -> io::Result<Option<Digest>> {
    let text = write::yaml(secret).map_err(io::Error::other)?;
    let (replace, still) = match observed {
        None => (Replace::Nothing, true),
        Some(_) => (Replace::Anything, false),
    };
    let unchanged =
        || still || TargetFile::read(layout, path).is_ok_and(|file| file.digest() == observed);
    match write_private(&layout.secrets(), path, text.as_bytes(), replace, unchanged) {
        Ok(true) => Ok(Some(Digest::of(&[text.as_bytes()]))),
        Ok(false) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes the file of a Secret, and its folder if it was the last one.
pub(super) fn delete(layout: &Layout, path: &Path) -> io::Result<()> {
    remove(&layout.secrets(), path)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_somebody_wrote_since_it_was_looked_at_stays() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let layout = Layout::new(folder.path().to_owned());
        let name = ObjectName::new("app", "db").expect("the names are valid");
        let path = layout.secret(&name).expect("it is short");
        let write = |observed| {
            let secret = Secret::new("db", Some("app"));
            write_secret(&layout, &path, &secret, observed).expect("the folder is writable")
        };
        let put = |text: &str| fs::write(&path, text).expect("the folder is writable");
        let ours = write(None);
        assert!(ours.is_some());
        assert_eq!(
            TargetFile::read(&layout, &path)
                .expect("it is there")
                .digest(),
            ours
        );
        assert!(write(ours).is_some());
        for observed in [None, ours] {
            put("theirs");
            assert_eq!(write(observed), None);
            assert_eq!(fs::read(&path).expect("it is there"), b"theirs");
        }
        fs::remove_file(&path).expect("it is there");
        assert_eq!(write(ours), None, "it is decided anew what to do without");
        let names = fs::read_dir(folder.path().join("secrets/app")).expect("it was made");
        assert_eq!(names.count(), 0, "no temporary file is left");
    }
}
