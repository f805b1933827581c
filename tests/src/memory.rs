//! Searching a live process's memory for a marker, also in its base64 forms: `/proc/PID/maps` and `/proc/PID/mem`.
//!
//! Another process's memory may be read by root, or by its own user where the machine allows tracing (a process that
//! made itself undumpable: by root only).

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

const CHUNK: usize = 1 << 16;

/// A place where a marker was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region: `[heap]`, `[stack]`, a file, or `anonymous`.
    pub region: String,
    /// The distance from the region's start, in bytes.
    pub offset: u64,
    /// Which form was found.
    pub form: &'static str,
}

/// The bytes of a marker in one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What the encoding is called.
    pub name: &'static str,
    /// The bytes to look for.
    pub bytes: Vec<u8>,
}

/// A marker as it is, and as it appears inside base64 at each of the three alignments (without the characters that
/// depend on its neighbours).
///
/// # Panics
///
/// When the marker is shorter than 12 bytes: its base64 forms would be found by chance.
pub fn forms(marker: &[u8]) -> Vec<Form> {
    assert!(marker.len() >= 12, "a marker has at least 12 bytes");
    let mut forms = vec![Form {
        name: "as it is",
        bytes: marker.to_vec(),
    }];
    for (before, name) in ["base64", "base64 from byte 1", "base64 from byte 2"]
        .iter()
        .enumerate()
    {
        let text = STANDARD_NO_PAD.encode([&[0; 2][..before], marker].concat());
        let start = (before * 8).div_ceil(6);
        let end = (before + marker.len()) * 8 / 6;
        forms.push(Form {
            name,
            bytes: text.as_bytes()[start..end].to_vec(),
        });
    }
    forms
}

/// Every place in the memory of a process that has the marker; memory that only shows a file, such as the program's own
/// code, is left out.
///
/// The process should stand still (wait for something) while it is read. Searching one's own process always finds the
/// marker given here and what this function made of it.
///
/// # Errors
///
/// When the process is gone or its memory may not be read.
pub fn find(pid: u32, marker: &[u8]) -> io::Result<Vec<Place>> {
    let forms = forms(marker);
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let mut places = Vec::new();
    for region in regions(pid)? {
        search(&memory, &region, &forms, &mut places);
    }
    Ok(places)
}

/// The most memory that a process ever had in RAM, in bytes.
///
/// # Panics
///
/// When it is gone.
pub fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let kib: u64 = line
        .and_then(|kib| kib.trim().parse().ok())
        .expect("the kernel tells it");
    kib * 1024
}

struct Region {
    start: u64,
    end: u64,
    name: String,
}

fn regions(pid: u32) -> io::Result<Vec<Region>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    Ok(maps.lines().filter_map(region).collect())
}

/// One line of `/proc/PID/maps`, where it is readable: `start-end rights offset device inode name`.
fn region(line: &str) -> Option<Region> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let rights = fields.next()?;
    let name = fields.nth(3).unwrap_or("anonymous").to_owned();
    let shows_a_file = name.starts_with('/') && !rights.contains('w');
    let readable = rights.starts_with('r') && !shows_a_file;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    // The kernel's own pages cannot be read this way and hold nothing of the process.
    (readable && !name.starts_with("[vv")).then_some(Region { start, end, name })
}

/// Reads in chunks that overlap by the longest form, so that nothing is cut in two; a page that cannot be read is left.
fn search(memory: &File, region: &Region, forms: &[Form], places: &mut Vec<Place>) {
    let overlap = forms.iter().map(|form| form.bytes.len()).max().unwrap_or(1) - 1;
    let mut buffer = vec![0; CHUNK + overlap];
    let empty = buffer.clone();
    let mut position = region.start;
    while position < region.end {
        let wanted = usize::try_from(region.end - position)
            .map_or(buffer.len(), |left| left.min(buffer.len()));
        let length = memory.read_at(&mut buffer[..wanted], position).unwrap_or(0);
        // Most memory was never used, and looking at each byte takes long without optimisation.
        let is_empty = buffer[..length] == empty[..length];
        for form in forms.iter().filter(|_| !is_empty) {
            let starts_here = |&found: &usize| found < CHUNK;
            let found = occurrences(&buffer[..length], &form.bytes);
            places.extend(found.filter(starts_here).map(|found| Place {
                region: region.name.clone(),
                offset: position - region.start + found as u64,
                form: form.name,
            }));
        }
        position += CHUNK as u64;
    }
}

fn occurrences(text: &[u8], part: &[u8]) -> impl Iterator<Item = usize> {
    let first = part[0];
    let candidates = text
        .iter()
        .enumerate()
        .filter(move |&(_, &byte)| byte == first);
    candidates
        .map(|(index, _)| index)
        .filter(move |&index| text[index..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_marker_has_one_of_its_forms_wherever_it_stands() {
        let marker = b"marker-3c1f9a77";
        for before in 0..6 {
            let text = STANDARD_NO_PAD.encode([&b"before"[..before], marker, b"after"].concat());
            let has = |form: &Form| occurrences(text.as_bytes(), &form.bytes).next().is_some();
            assert!(forms(marker).iter().any(has), "{before} bytes before");
        }
    }

    #[test]
    fn a_marker_across_two_chunks_is_found_once() {
        let text = [
            &vec![b'.'; CHUNK - 5][..],
            b"marker-3c1f9a77",
            &vec![b'.'; CHUNK],
        ]
        .concat();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&text, 0).unwrap();
        let region = Region {
            start: 0,
            end: text.len() as u64,
            name: "file".to_owned(),
        };
        let mut places = Vec::new();
        search(&file, &region, &forms(b"marker-3c1f9a77"), &mut places);
        let offset = CHUNK as u64 - 5;
        assert_eq!(
            places,
            [Place {
                region: "file".to_owned(),
                offset,
                form: "as it is"
            }]
        );
    }
}
