//! The frames of a WebP, held against its canvas: its decoder makes room for a frame before it compares them.

use std::io::{self, Read, Seek, SeekFrom};

/// Whether no frame is larger than the picture.
pub(super) fn frames_fit(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut canvas = (u32::MAX, u32::MAX);
    // Past the name and size of the whole.
    let mut at = 12;
    while let Some(chunk) = Chunk::read(file, at)? {
        let frame = match &chunk.name {
            b"VP8X" => {
                let [_, _, _, _, size @ ..] = take::<10>(file)?;
                let length = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
                canvas = (
                    length(size[0], size[1], size[2]),
                    length(size[3], size[4], size[5]),
                );
                None
            }
            b"VP8 " => Some(frame(file)?),
            b"ANMF" => moving_frame(file, at + 8 + 16)?,
            _ => None,
        };
        if frame.is_some_and(|(width, height)| width > canvas.0 || height > canvas.1) {
            return Ok(false);
        }
        at = chunk.end;
    }
    Ok(true)
}

/// The size of a lossy frame of an animation; its chunks begin at `at`, perhaps with its transparency.
fn moving_frame(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<(u32, u32)>> {
    let mut chunk = Chunk::read(file, at)?;
    if let Some(alpha) = chunk.take_if(|chunk| chunk.name == *b"ALPH") {
        chunk = Chunk::read(file, alpha.end)?;
    }
    match chunk {
        Some(chunk) if chunk.name == *b"VP8 " => frame(file).map(Some),
        _ => Ok(None),
    }
}

/// Reads the head of a lossy frame.
fn frame(file: &mut impl Read) -> io::Result<(u32, u32)> {
    let [_, _, _, _, _, _, size @ ..] = take::<10>(file)?;
    let length = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok((length(size[0], size[1]), length(size[2], size[3])))
}

struct Chunk {
    name: [u8; 4],
    end: u64,
}

impl Chunk {
    /// Reads the head of the chunk at `at`, unless the file ends there.
    fn read(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Self>> {
        file.seek(SeekFrom::Start(at))?;
        let [n0, n1, n2, n3, size @ ..] = match take::<8>(file) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            head => head?,
        };
        let size = u64::from(u32::from_le_bytes(size));
        Ok(Some(Self {
            name: [n0, n1, n2, n3],
            end: at + 8 + size.next_multiple_of(2),
        }))
    }
}

fn take<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&name[..], &(data.len() as u32).to_le_bytes(), data].concat()
    }

    fn fits(frame: &[u8]) -> bool {
        let canvas = chunk(b"VP8X", &[0, 0, 0, 0, 99, 0, 0, 49, 0, 0]);
        let file = [b"RIFF\0\0\0\0WEBP", &canvas[..], frame].concat();
        frames_fit(&mut Cursor::new(file)).unwrap()
    }

    #[test]
    fn a_frame_that_is_larger_than_its_picture_is_noticed() {
        let frame = |width: u8| chunk(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, width, 0, 50, 0]);
        assert!(fits(&frame(100)) && !fits(&frame(101)));
        let moving = |width| {
            let alpha = chunk(b"ALPH", &[0, 0]);
            chunk(b"ANMF", &[&[0; 16], &alpha[..], &frame(width)].concat())
        };
        assert!(fits(&moving(100)) && !fits(&moving(101)));
        assert!(!fits(&[chunk(b"XXXX", &[0]), vec![0], frame(101)].concat()));
    }
}
