use std::path::Path;

use sensorium_store::{Catalog, Fingerprint, ItemKey, Write};
use sensorium_types::{Modality, Track};

use crate::model::{file, id, item};

type Make = fn(&Path) -> Box<dyn Catalog>;

fn key(catalog: &dyn Catalog, number: u8) -> ItemKey {
    catalog.find(&id(number)).unwrap().unwrap()
}

fn put(catalog: &mut dyn Catalog, item: ItemKey, maker: &str, bytes: &[u8]) {
    let fingerprint = Fingerprint {
        item,
        track: Track::Audio,
        maker: maker.into(),
        bytes: bytes.to_vec(),
    };
    catalog.write(vec![Write::Fingerprint(fingerprint)]).unwrap();
}

fn all(catalog: &dyn Catalog, maker: &str) -> Vec<(ItemKey, Vec<u8>)> {
    let mut found = Vec::new();
    catalog
        .fingerprints(Track::Audio, maker, &mut |item, bytes| {
            found.push((item, bytes.to_vec()));
            Ok(())
        })
        .unwrap();
    found
}

/// They stay while the item is made anew, and go with it; those of another maker count as missing.
pub(crate) fn keeps_them_as_long_as_their_items(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let path = Path::new("/sounds.jsonl");
    // Items 2 and 6 are sounds, 3 is a video, 1 a picture.
    let items = |space| {
        [2, 6, 3, 1]
            .map(|number| item(number, space, Some(number.into())))
            .to_vec()
    };
    catalog
        .write(vec![Write::File(file(path, 1, 1, 0, items(0)))])
        .unwrap();
    let [two, six, three] = [2, 6, 3].map(|number| key(&*catalog, number));
    let missing = |catalog: &dyn Catalog, modality| {
        catalog
            .without_fingerprint(modality, Track::Audio, "tiny")
            .unwrap()
    };
    assert_eq!(missing(&*catalog, Modality::Audio), [two, six]);
    assert_eq!(missing(&*catalog, Modality::Video), [three]);
    assert_eq!(missing(&*catalog, Modality::Image), [], "it has no such track");

    put(&mut *catalog, six, "tiny", b"six");
    put(&mut *catalog, two, "other", b"two");
    put(&mut *catalog, three, "tiny", b"");
    put(&mut *catalog, ItemKey(99), "tiny", b"nobody");
    assert_eq!(missing(&*catalog, Modality::Audio), [two]);
    assert_eq!(missing(&*catalog, Modality::Video), []);
    assert_eq!(
        all(&*catalog, "tiny"),
        [(six, b"six".to_vec()), (three, Vec::new())]
    );
    put(&mut *catalog, two, "tiny", b"new");
    assert_eq!(all(&*catalog, "other"), []);
    assert_eq!(catalog.summary().unwrap().fingerprint_bytes, 6);

    catalog
        .write(vec![Write::File(file(path, 2, 2, 1, items(1)))])
        .unwrap();
    assert_eq!(all(&*catalog, "tiny").len(), 3, "made anew in another space");
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());

    let rest = vec![item(6, 1, Some(6))];
    catalog
        .write(vec![Write::File(file(path, 3, 3, 1, rest))])
        .unwrap();
    assert_eq!(all(&*catalog, "tiny"), [(six, b"six".to_vec())]);
    catalog.write(vec![Write::Forget(path.into())]).unwrap();
    assert_eq!(all(&*catalog, "tiny"), []);
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
}

pub(crate) fn finds_the_items_at_several_places(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let put = |path: &str, content, items| Write::File(file(Path::new(path), 1, content, 0, items));
    catalog
        .write(vec![
            put("/a.txt", 1, vec![item(1, 0, None)]),
            put("/b.txt", 2, vec![item(2, 0, None)]),
            put(
                "/c.jsonl",
                3,
                vec![item(3, 0, Some(1)), item(3, 0, Some(2)), item(1, 0, Some(3))],
            ),
        ])
        .unwrap();
    let mut expected = [1, 3].map(|number| key(&*catalog, number));
    expected.sort();
    assert_eq!(catalog.at_several_places().unwrap(), expected);
    catalog.write(vec![Write::Forget("/a.txt".into())]).unwrap();
    assert_eq!(catalog.at_several_places().unwrap(), [key(&*catalog, 3)]);
}
