use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::{Cause, Limits};

/// Whether a compressed file may hold a drawing, by its name.
pub(super) fn is_named(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["svg", "svgz"]
        .iter()
        .any(|name| extension.eq_ignore_ascii_case(name))
}

/// Refuses a compressed drawing that is larger than a text may be once it is unpacked.
pub(super) fn check_unpacked(file: impl Read, limits: &Limits) -> Result<(), Cause> {
    let limit = limits.text_bytes;
    // Empty blocks unpack to nothing: what is read has the same limit.
    let mut unpacked = GzDecoder::new(file.take(limit)).take(limit.saturating_add(1));
    let bytes = io::copy(&mut unpacked, &mut io::sink()).map_err(|error| Cause::Damaged {
        format: "SVG".into(),
        detail: error.to_string(),
    })?;
    if bytes > limit {
        return Err(Cause::Limit {
            what: "the unpacked drawing has",
            found: format!("more than {limit} bytes"),
            limit: format!("{limit} bytes"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn check(unpacked: usize, limit: u64) -> Result<(), String> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&vec![b' '; unpacked]).unwrap();
        let limits = Limits {
            text_bytes: limit,
            ..Limits::default()
        };
        check_unpacked(&packed.finish().unwrap()[..], &limits).map_err(|cause| cause.to_string())
    }

    #[test]
    fn a_drawing_that_unpacks_without_end_is_refused() {
        assert_eq!(check(1000, 1000), Ok(()));
        assert_eq!(
            check(1001, 1000),
            Err("the unpacked drawing has more than 1000 bytes, more than the limit of 1000 bytes".into())
        );
    }
}
