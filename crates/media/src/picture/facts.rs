//! What a picture says of itself: its size, and what the camera wrote.

use std::io::{BufRead, Seek};

use exif::{Exif, In, Tag, Value};
use sensorium_types::Fields;

use crate::facts::{put_number, put_text};

/// The longest side that is told upright from these values of EXIF's orientation on.
const FIRST_TURNED: u32 = 5;

/// The facts of the picture in `file`. What cannot be read is left out: whether it is a picture, its decoder tells.
pub(crate) fn facts(mut file: impl BufRead + Seek) -> Fields {
    let mut facts = Fields::new();
    let exif = exif::Reader::new().read_from_container(&mut file).ok();
    if file.rewind().is_ok()
        && let Ok(size) = imagesize::reader_size(&mut file)
    {
        let turned = exif
            .as_ref()
            .and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0))
            .is_some_and(|orientation| orientation >= FIRST_TURNED);
        let (width, height) = match turned {
            true => (size.height, size.width),
            false => (size.width, size.height),
        };
        put_number(&mut facts, "width", width as f64);
        put_number(&mut facts, "height", height as f64);
    }
    if let Some(exif) = exif {
        of_camera(&exif, &mut facts);
    }
    facts
}

fn of_camera(exif: &Exif, facts: &mut Fields) {
    let text = |tag| text(&exif.get_field(tag, In::PRIMARY)?.value);
    for (name, tag) in [
        ("lens", Tag::LensModel),
        ("description", Tag::ImageDescription),
        ("artist", Tag::Artist),
        ("copyright", Tag::Copyright),
    ] {
        put_text(facts, name, text(tag));
    }
    let (make, model) = (
        text(Tag::Make).unwrap_or_default(),
        text(Tag::Model).unwrap_or_default(),
    );
    let camera = match model.to_lowercase().starts_with(&make.to_lowercase()) {
        true => model,
        false => format!("{make} {model}"),
    };
    put_text(facts, "camera", Some(camera));
    let taken = text(Tag::DateTimeOriginal).or_else(|| text(Tag::DateTimeDigitized));
    put_text(
        facts,
        "taken",
        taken.and_then(|taken| time(&taken, text(Tag::OffsetTimeOriginal))),
    );
    for (name, value, side, negative) in [
        ("latitude", Tag::GPSLatitude, Tag::GPSLatitudeRef, "S"),
        ("longitude", Tag::GPSLongitude, Tag::GPSLongitudeRef, "W"),
    ] {
        let degrees = exif
            .get_field(value, In::PRIMARY)
            .and_then(|field| degrees(&field.value));
        let sign = if text(side).as_deref() == Some(negative) {
            -1.0
        } else {
            1.0
        };
        if let Some(degrees) = degrees {
            put_number(facts, name, sign * degrees);
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let Value::Ascii(parts) = value else { return None };
    Some(String::from_utf8_lossy(parts.first()?).trim().to_owned())
}

/// `2024:06:01 12:30:00` as `2024-06-01T12:30:00`, with the offset where there is one.
fn time(taken: &str, offset: Option<String>) -> Option<String> {
    let (date, clock) = taken.split_once(' ')?;
    let is_digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = date.split(':').collect();
    let [year, month, day] = parts[..] else {
        return None;
    };
    let known = is_digits(year, 4) && is_digits(month, 2) && is_digits(day, 2) && clock.len() == 8;
    let offset = offset.filter(|offset| offset.starts_with(['+', '-']) && offset.len() == 6);
    known.then(|| format!("{year}-{month}-{day}T{clock}{}", offset.unwrap_or_default()))
}

/// Degrees, minutes and seconds.
fn degrees(value: &Value) -> Option<f64> {
    let Value::Rational(parts) = value else {
        return None;
    };
    let parts = parts.iter().zip([1.0, 60.0, 3600.0]);
    let sum: f64 = parts.map(|(part, unit)| part.to_f64() / unit).sum();
    sum.is_finite().then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_camera_becomes_one_that_others_read() {
        let offset = || Some("+02:00".to_owned());
        let read = |text: &str, offset| time(text, offset);
        assert_eq!(read("2024:06:01 12:30:00", None).unwrap(), "2024-06-01T12:30:00");
        assert_eq!(
            read("2024:06:01 12:30:00", offset()).unwrap(),
            "2024-06-01T12:30:00+02:00"
        );
        for nonsense in [
            "",
            "    :  :     :  :  ",
            "2024-06-01 12:30:00",
            "2024:6:1 12:30:00",
        ] {
            assert_eq!(read(nonsense, None), None, "{nonsense}");
        }
    }
}
