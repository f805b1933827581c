//! Files below a folder, reached without following any symbolic link.
//!
//! A path that was looked at and is opened afterwards may lead elsewhere by then. So every folder on the way is opened
//! from the one above it, never through a link, and the file is read, put in place or removed from there.

use std::{
    ffi::OsStr,
    fs::{File, Permissions},
    io::{self, Write},
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Component, Path},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    files::{OTHERS, PlainFile, ReadError, read_plain},
    write::{LEFTOVER_PREFIX, LEFTOVER_SUFFIX, unsynced},
};
use rustix::{
    fs::{
        AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, mkdirat, openat, renameat, renameat_with,
        unlinkat,
    },
    io::Errno,
};

/// What only the owner may do with a file.
const PRIVATE: u32 = 0o600;
/// What only the owner may do with a folder.
const PRIVATE_FOLDER: u32 = 0o700;

/// Numbers the temporary files of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder, open. Paths are from it, and `..` leads nowhere.
#[derive(Debug)]
pub struct Beneath(OwnedFd);

/// What may stand where a file is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Anything; it is replaced. A link is replaced itself.
    Anything,
    /// Nothing.
    Nothing,
}

impl Beneath {
    /// Opens a folder, which may be a link itself.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, folder, flags, Mode::empty())?))
    }

    /// Reads a plain file of at most `limit` bytes; `None` where there is none. Nothing else is read: a pipe would never end.
    ///
    /// # Errors
    ///
    /// [`ReadError`]; that of a link is [`ReadError::Io`].
    pub fn read(&self, file: &Path, limit: usize) -> Result<Option<PlainFile>, ReadError> {
        let found = self.folder_of(file, false).and_then(|(folder, name)| {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Ok(File::from(openat(&folder.0, name, flags, Mode::empty())?))
        });
        match found {
            Ok(file) => read_plain(file, limit).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a file in place, whole or not at all: a temporary file beside it, synced, then given its name, and the folder
    /// synced. Only its owner may read it; folders that are missing are made for their owner alone. `still` is asked when
    /// all but the naming is done; where it says no, nothing is changed and the answer is false.
    ///
    /// # Errors
    ///
    /// The error of the operating system; its kind is [`io::ErrorKind::AlreadyExists`] where nothing may be there and
    /// something is. Of [`crate::is_unsynced`] alone the file is written all the same.
    pub fn write(
        &self,
        file: &Path,
        contents: &[u8],
        replace: Replace,
        still: impl FnOnce() -> bool,
    ) -> io::Result<bool> {
        let (folder, name) = self.folder_of(file, true)?;
        let temporary = Temporary::new(&folder, contents)?;
        if !still() {
            return Ok(false);
        }
        match replace {
            Replace::Anything => renameat(&folder.0, &temporary.name, &folder.0, name)?,
            Replace::Nothing => name_anew(&folder, &temporary.name, name)?,
        }
        drop(temporary);
        rustix::fs::fsync(&folder.0).map_err(|error| unsynced(error.into()))?;
        Ok(true)
    }

    /// Takes from a plain file what others than its owner may do with it.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn close_to_others(&self, file: &Path) -> io::Result<()> {
        let (folder, name) = self.folder_of(file, false)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&folder.0, name, flags, Mode::empty())?);
        let mode = file.metadata()?.permissions().mode();
        file.set_permissions(Permissions::from_mode(mode & !OTHERS))
    }

    /// Removes a file, or a link itself; none is as good. The folders above it go as well, as far as they are empty.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn remove(&self, file: &Path) -> io::Result<()> {
        let removed = self
            .folder_of(file, false)
            .and_then(|(folder, name)| Ok(unlinkat(&folder.0, name, AtFlags::empty())?));
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut above = file.parent();
        while let Some(folder) = above.filter(|folder| !folder.as_os_str().is_empty()) {
            // It fails where something else is in it, which is what we want.
            let removed = self
                .folder_of(folder, false)
                .and_then(|(above, name)| Ok(unlinkat(&above.0, name, AtFlags::REMOVEDIR)?));
            if removed.is_err() {
                break;
            }
            above = folder.parent();
        }
        Ok(())
    }

    /// The folder that a file is in, and the file's name there.
    fn folder_of<'f>(&self, file: &'f Path, make: bool) -> io::Result<(Self, &'f OsStr)> {
        let mut names = file.components().map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        });
        let mut name = names
            .next()
            .unwrap_or_else(|| Err(io::ErrorKind::InvalidInput.into()))?;
        let mut folder = Self(self.0.try_clone()?);
        for next in names {
            folder = folder.enter(name, make)?;
            name = next?;
        }
        Ok((folder, name))
    }

    fn enter(&self, name: &OsStr, make: bool) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || openat(&self.0, name, flags, Mode::empty());
        let folder = match open() {
            Err(Errno::NOENT) if make => {
                match mkdirat(&self.0, name, Mode::from_raw_mode(PRIVATE_FOLDER)) {
                    Ok(()) | Err(Errno::EXIST) => open()?,
                    Err(error) => return Err(error.into()),
                }
            }
            folder => folder?,
        };
        Ok(Self(folder))
    }
}

/// Gives a file its name, where nothing has that name.
fn name_anew(folder: &Beneath, temporary: &str, name: &OsStr) -> rustix::io::Result<()> {
    let folder = &folder.0;
    match renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE) {
        // Not every file system knows how to.
        Err(Errno::INVAL | Errno::NOSYS) => {
            linkat(folder, temporary, folder, name, AtFlags::empty())
        }
        outcome => outcome,
    }
}

/// A file that is gone when it is dropped, unless it was renamed.
struct Temporary<'f> {
    folder: &'f Beneath,
    name: String,
}

impl<'f> Temporary<'f> {
    fn new(folder: &'f Beneath, contents: &[u8]) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let id = process::id();
            let name = format!("{LEFTOVER_PREFIX}{id}-{number}{LEFTOVER_SUFFIX}");
            match openat(&folder.0, &name, flags, Mode::from_raw_mode(PRIVATE)) {
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
                Ok(file) => {
                    let temporary = Self { folder, name };
                    let mut file = File::from(file);
                    file.write_all(contents)?;
                    file.sync_all()?;
                    return Ok(temporary);
                }
            }
        }
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // It fails where the file has its own name by now, which is what we want.
        let _ = unlinkat(&self.folder.0, &self.name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
        path::PathBuf,
    };

    use super::*;
    use crate::read_plain_file;

    /// A folder `inside`, with a folder `app` and a link `link` to a folder beside it, in which a file `db` stands.
    struct Ground(tempfile::TempDir);

    impl Ground {
        fn new() -> Self {
            let ground = Self(tempfile::tempdir().expect("a folder can be made"));
            fs::create_dir_all(ground.path("inside/app")).expect("folders can be made");
            fs::create_dir(ground.path("outside")).expect("folders can be made");
            fs::write(ground.path("outside/db"), "theirs").expect("files can be made");
            symlink("../outside", ground.path("inside/link")).expect("links can be made");
            symlink("../../outside/db", ground.path("inside/app/link")).expect("links can be made");
            ground
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn inside(&self) -> Beneath {
            Beneath::open(&self.path("inside")).expect("it is there")
        }

        #[track_caller]
        fn is_untouched(&self) {
            let names = fs::read_dir(self.path("outside"))
                .expect("it is there")
                .count();
            let text = fs::read_to_string(self.path("outside/db")).expect("it is there");
            assert_eq!((names, text.as_str()), (1, "theirs"));
        }
    }

    fn put(folder: &Beneath, file: &str, replace: Replace) -> io::Result<bool> {
        folder.write(Path::new(file), b"ours", replace, || true)
    }

    #[test]
    fn a_file_is_written_for_its_owner_alone_and_read_back() {
        let ground = Ground::new();
        let inside = ground.inside();
        assert!(put(&inside, "new/deep/db", Replace::Nothing).expect("it can be written"));
        assert!(put(&inside, "new/deep/db", Replace::Anything).expect("it can be replaced"));
        let file = inside
            .read(Path::new("new/deep/db"), 9)
            .expect("it can be read")
            .expect("it is there");
        assert_eq!(file.bytes.as_slice(), b"ours");
        assert!(!file.is_open_to_others);
        let folder = fs::metadata(ground.path("inside/new/deep")).expect("it was made");
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
        let names = fs::read_dir(ground.path("inside/new/deep")).expect("it is there");
        assert_eq!(names.count(), 1, "no temporary file is left");
    }

    #[test]
    fn no_link_on_the_way_is_followed() {
        let ground = Ground::new();
        let inside = ground.inside();
        assert!(inside.read(Path::new("link/db"), 9).is_err());
        assert!(put(&inside, "link/db", Replace::Anything).is_err());
        assert!(put(&inside, "link/new", Replace::Nothing).is_err());
        assert!(inside.remove(Path::new("link/db")).is_err());
        assert!(inside.close_to_others(Path::new("link/db")).is_err());
        assert!(inside.read(Path::new("../outside/db"), 9).is_err());
        ground.is_untouched();
    }

    #[test]
    fn a_link_in_place_of_the_file_is_replaced_or_removed_itself() {
        let ground = Ground::new();
        let inside = ground.inside();
        assert!(inside.read(Path::new("app/link"), 9).is_err());
        assert!(inside.close_to_others(Path::new("app/link")).is_err());
        assert!(put(&inside, "app/link", Replace::Nothing).is_err());
        ground.is_untouched();
        assert!(put(&inside, "app/link", Replace::Anything).expect("it can be replaced"));
        assert!(!ground.path("inside/app/link").is_symlink());
        ground.is_untouched();
        fs::remove_file(ground.path("inside/app/link")).expect("it is there");
        symlink("../../outside/db", ground.path("inside/app/link")).expect("links can be made");
        inside
            .remove(Path::new("app/link"))
            .expect("it can be removed");
        ground.is_untouched();
        assert!(!ground.path("inside/app").exists(), "it was the last one");
    }

    #[test]
    fn a_folder_that_becomes_a_link_while_a_file_is_written_leads_nowhere_else() {
        let ground = Ground::new();
        let inside = ground.inside();
        let swap = || {
            fs::rename(ground.path("inside/app"), ground.path("inside/away"))
                .expect("it can be moved");
            symlink("../outside", ground.path("inside/app")).expect("links can be made");
            true
        };
        inside
            .write(Path::new("app/db"), b"ours", Replace::Anything, swap)
            .expect("it can be written");
        ground.is_untouched();
        let text = fs::read_to_string(ground.path("inside/away/db"));
        assert_eq!(text.expect("it went along"), "ours");
    }

    #[test]
    fn nothing_is_changed_where_it_is_not_wanted_any_more() {
        let ground = Ground::new();
        let inside = ground.inside();
        let file = Path::new("app/db");
        let answer = inside.write(file, b"ours", Replace::Anything, || false);
        assert!(!answer.expect("the folder is writable"));
        fs::write(ground.path("inside/app/db"), "theirs").expect("files can be made");
        let error = put(&inside, "app/db", Replace::Nothing).expect_err("something is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let names = fs::read_dir(ground.path("inside/app")).expect("it is there");
        assert_eq!(names.count(), 2, "the link and their file");
    }

    #[test]
    fn only_plain_files_are_read_and_nothing_waits_for_a_pipe() {
        let ground = Ground::new();
        let inside = ground.inside();
        let mode = Mode::from_raw_mode(PRIVATE);
        rustix::fs::mknodat(&inside.0, "pipe", rustix::fs::FileType::Fifo, mode, 0)
            .expect("pipes can be made");
        let read = |name: &str| inside.read(Path::new(name), 2);
        assert!(matches!(read("pipe"), Err(ReadError::NotPlain)));
        assert!(matches!(read("app"), Err(ReadError::Folder)));
        assert!(matches!(read("none"), Ok(None)));
        assert!(matches!(read("no/ne"), Ok(None)));
        put(&inside, "long", Replace::Nothing).expect("it can be written");
        assert!(matches!(
            read("long"),
            Err(ReadError::TooLarge { limit: 2 })
        ));
        let pipe = read_plain_file(&ground.path("inside/pipe"), 2);
        assert!(matches!(pipe, Err(ReadError::NotPlain)));
    }

    #[test]
    fn a_file_is_closed_to_others() {
        let ground = Ground::new();
        let inside = ground.inside();
        let path = ground.path("inside/app/db");
        fs::write(&path, "x").expect("files can be made");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
        let is_open = || {
            let file = inside.read(Path::new("app/db"), 9).expect("it can be read");
            file.expect("it is there").is_open_to_others
        };
        assert!(is_open());
        inside
            .close_to_others(Path::new("app/db"))
            .expect("it is ours");
        assert!(!is_open());
    }
}
