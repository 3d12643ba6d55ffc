//! The contracts of the store, which every implementation must pass: a new one is one more function here.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod catalog;
mod fingerprints;
mod graph;
mod model;
mod reencode;
mod transcripts;
mod vector_index;

use std::path::Path;

use sensorium_store::{Catalog, ExactIndex, GraphIndex, SqliteCatalog, WriterLock};

fn sqlite(folder: &Path) -> Box<dyn Catalog> {
    let lock = WriterLock::acquire(folder).unwrap();
    Box::new(SqliteCatalog::create(folder, &lock).unwrap())
}

#[test]
fn the_sqlite_catalog_does_what_the_model_does() {
    catalog::does_what_the_model_does(sqlite);
}

#[test]
fn the_sqlite_catalog_keeps_items_as_long_as_a_file_holds_them() {
    catalog::keeps_items_as_long_as_a_file_holds_them(sqlite);
}

#[test]
fn the_sqlite_catalog_moves_items_between_files_that_overwrite_each_other() {
    catalog::moves_items_between_files_that_overwrite_each_other(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_words() {
    catalog::finds_words(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_the_words_of_tags_and_fields() {
    catalog::finds_the_words_of_tags_and_fields(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_what_fulfils_a_condition() {
    catalog::finds_what_fulfils_a_condition(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_fields_that_are_a_text() {
    catalog::finds_fields_that_are_a_text(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_the_items_of_a_file() {
    catalog::finds_the_items_of_a_file(sqlite);
}

#[test]
fn the_sqlite_catalog_has_another_version_after_every_write() {
    catalog::has_another_version_after_every_write(sqlite);
}

#[test]
fn the_sqlite_catalog_lists_items_and_segments_in_pages() {
    catalog::lists_items_and_segments_in_pages(sqlite);
}

#[test]
fn the_sqlite_catalog_shows_whole_writes_to_readers() {
    catalog::shows_whole_writes_to_readers(sqlite);
}

#[test]
fn the_sqlite_catalog_keeps_fingerprints_as_long_as_their_items() {
    fingerprints::keeps_them_as_long_as_their_items(sqlite);
}

#[test]
fn the_sqlite_catalog_keeps_transcripts_as_long_as_their_items() {
    transcripts::keeps_them_as_long_as_their_items(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_words_in_transcripts_line_by_line() {
    transcripts::finds_words_line_by_line(sqlite);
}

#[test]
fn the_sqlite_catalog_finds_the_items_at_several_places() {
    fingerprints::finds_the_items_at_several_places(sqlite);
}

#[test]
fn the_sqlite_catalog_reencodes_as_the_model_does() {
    reencode::does_what_the_model_does(sqlite, || Box::new(ExactIndex::new()));
}

#[test]
fn the_sqlite_catalog_settles_a_file_with_the_last_of_its_items() {
    reencode::settles_a_file_with_the_last_of_its_items(sqlite);
}

#[test]
fn the_sqlite_catalog_leaves_an_item_that_the_vectors_do_not_fit() {
    reencode::leaves_an_item_that_the_vectors_do_not_fit(sqlite);
}

#[test]
fn the_exact_index_does_what_the_model_does() {
    vector_index::does_what_the_model_does(|| Box::new(ExactIndex::new()));
}

#[test]
fn the_exact_index_follows_a_catalog() {
    vector_index::follows_a_catalog(sqlite, || Box::new(ExactIndex::new()));
}

#[test]
fn the_graph_index_does_what_the_model_does() {
    vector_index::does_what_the_model_does(|| Box::new(GraphIndex::new(1)));
}

#[test]
fn the_graph_index_follows_a_catalog() {
    vector_index::follows_a_catalog(sqlite, || Box::new(GraphIndex::new(1)));
}

#[test]
fn the_graph_index_keeps_what_a_catalog_has() {
    graph::keeps_what_a_catalog_has(sqlite);
}

#[test]
fn the_graph_index_notices_damage_and_is_made_again() {
    graph::notices_damage_and_is_made_again(sqlite);
}

#[test]
fn the_graph_index_grows_no_larger_than_what_counts_in_it() {
    graph::grows_no_larger_than_what_counts_in_it(sqlite);
}

#[test]
fn the_graph_index_finds_nearly_all_of_the_nearest_whatever_their_lengths() {
    graph::finds_nearly_all_of_the_nearest_whatever_their_lengths(sqlite);
}

#[test]
fn the_graph_index_finds_nearly_all_of_the_nearest_under_any_filter() {
    graph::finds_nearly_all_of_the_nearest_under_any_filter(sqlite);
}
