//! The head of a JPEG, read without its data, to tell how much memory decoding takes.

use std::io::{self, BufRead, Read as _};

/// What the markers before the first scan say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JpegHeader {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_lossless: bool,
    /// Whether all coefficients are held before the first pixel: there are several scans.
    pub(super) is_buffered: bool,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u8, u8)>,
}

impl JpegHeader {
    /// Reads up to the first scan.
    pub(super) fn read(file: &mut impl BufRead) -> io::Result<Self> {
        let mut header = None;
        loop {
            let marker = next_marker(file)?;
            match marker {
                // Without a length: start of image, restarts, and a private one.
                0xd8 | 0x01 | 0xd0..=0xd7 => continue,
                0xd9 => return Err(damaged("it ends before its first scan")),
                _ => {}
            }
            let length = u64::from(u16::from_be_bytes(take(file)?));
            let rest = length
                .checked_sub(2)
                .ok_or_else(|| damaged("a marker has no length"))?;
            let mut segment = file.by_ref().take(rest);
            match marker {
                // Frames, but for Huffman and arithmetic tables between their numbers.
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    header = Some(Self::of_frame(marker, &mut segment)?);
                }
                0xda => {
                    let mut header = header.ok_or_else(|| damaged("it has a scan without a frame"))?;
                    let [components] = take(&mut segment)?;
                    header.is_buffered |= usize::from(components) < header.sampling.len();
                    return Ok(header);
                }
                _ => {}
            }
            io::copy(&mut segment, &mut io::sink())?;
        }
    }

    fn of_frame(marker: u8, segment: &mut impl BufRead) -> io::Result<Self> {
        let [
            _precision,
            height_high,
            height_low,
            width_high,
            width_low,
            components,
        ] = take(segment)?;
        let mut sampling = Vec::with_capacity(usize::from(components));
        for _ in 0..components {
            let [_id, factors, _table] = take(segment)?;
            sampling.push((factors >> 4, factors & 15));
        }
        Ok(Self {
            width: u32::from(u16::from_be_bytes([width_high, width_low])),
            height: u32::from(u16::from_be_bytes([height_high, height_low])),
            is_lossless: matches!(marker, 0xc3 | 0xc7 | 0xcb | 0xcf),
            is_buffered: matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce),
            sampling,
        })
    }

    /// How many coefficients the components have together; each takes two bytes.
    pub(super) fn coefficients(&self) -> u64 {
        let most =
            |factors: &dyn Fn(&(u8, u8)) -> u8| self.sampling.iter().map(factors).max().unwrap_or(1).max(1);
        let (across, down) = (u64::from(most(&|it| it.0)), u64::from(most(&|it| it.1)));
        // Whole blocks.
        let units = u64::from(self.width).div_ceil(8 * across) * u64::from(self.height).div_ceil(8 * down);
        let blocks: u64 = self
            .sampling
            .iter()
            .map(|it| u64::from(it.0) * u64::from(it.1))
            .sum();
        units * blocks * 64
    }
}

/// The next marker, past what stands between, as decoders do.
fn next_marker(file: &mut impl BufRead) -> io::Result<u8> {
    loop {
        file.skip_until(0xff)?;
        let mut byte = [0xff];
        while byte == [0xff] {
            byte = take(file)?;
        }
        if byte != [0] {
            return Ok(byte[0]);
        }
    }
}

fn take<const N: usize>(file: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("Premature end of JPEG file"),
        _ => error,
    })?;
    Ok(bytes)
}

fn damaged(detail: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] =
        b"\xff\xd8\xff\xe1\0\x04\xff\xda\xff\xc0\0\x11\x08\0\x20\0\x40\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";

    fn header(frame: u8, scan_components: u8) -> JpegHeader {
        let mut jpeg = FRAME.to_vec();
        jpeg[9] = frame;
        jpeg.extend([0xff, 0xda, 0, 12, scan_components]);
        JpegHeader::read(&mut &jpeg[..]).unwrap()
    }

    #[test]
    fn sizes_are_read_past_metadata_and_several_scans_are_noticed() {
        let plain = header(0xc0, 3);
        assert_eq!((plain.width, plain.height), (64, 32));
        assert!(!plain.is_buffered && !plain.is_lossless);
        // Four luminance blocks and two of colour for each 16 x 16 pixels.
        assert_eq!(plain.coefficients(), 64 * 32 * 3 / 2);
        assert!(header(0xc2, 3).is_buffered);
        assert!(header(0xc0, 1).is_buffered);
        assert!(header(0xc3, 3).is_lossless);
    }

    #[test]
    fn a_head_without_a_scan_is_an_error() {
        assert!(JpegHeader::read(&mut &FRAME[..]).is_err());
        assert!(JpegHeader::read(&mut &b"\xff\xd8\xff\xe1\0\0"[..]).is_err());
        assert!(JpegHeader::read(&mut &b""[..]).is_err());
    }
}
