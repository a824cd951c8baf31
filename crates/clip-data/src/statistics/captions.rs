//! What the captions of a corpus are like.

use serde::Serialize;

use super::config::StatisticsConfig;
use super::distinct::{Distinct, DistinctCounter};
use super::distribution::Distribution;
use super::hash_of;
use super::ranking::{Ranking, RankingCounter};
use super::script::main_script;
use super::words::{for_each_word, is_stop_word};
use crate::Captions;

/// The captions of a corpus: each sample's whole text, or its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaptionStatistics {
    /// Samples with a text that is blank.
    pub blank: u64,
    /// Samples without a text, or with a malformed one.
    pub missing: u64,
    /// Characters a caption.
    pub characters: Distribution,
    /// Words a caption, by Unicode's rules.
    pub words: Distribution,
    /// Captions of nothing but ASCII.
    pub ascii: u64,
    /// How many captions are equal to the character.
    pub distinct: Distinct,
    /// The captions that most samples share.
    pub frequent: Ranking,
    /// Captions by the script of most of their letters.
    pub scripts: Ranking,
    /// How many words there are, and how many of them differ.
    pub vocabulary: Distinct,
    /// The most frequent words, in lower case, without those in `stop_words`.
    pub frequent_words: Ranking,
    /// The most frequent of the English words that say little about an image.
    pub stop_words: Ranking,
    /// Keywords a sample, of the samples that can have any.
    pub keywords: Distribution,
    /// The most frequent keywords.
    pub frequent_keywords: Ranking,
}

pub(super) struct CaptionCounter {
    blank: u64,
    missing: u64,
    characters: Distribution,
    words: Distribution,
    ascii: u64,
    distinct: DistinctCounter,
    frequent: RankingCounter,
    scripts: RankingCounter,
    vocabulary: DistinctCounter,
    frequent_words: RankingCounter,
    stop_words: RankingCounter,
    keywords: Distribution,
    frequent_keywords: RankingCounter,
}

impl CaptionCounter {
    pub fn new(config: &StatisticsConfig) -> Self {
        let distinct = || DistinctCounter::new(config.max_distinct);
        let ranking = || RankingCounter::new(config.max_ranked);
        Self {
            blank: 0,
            missing: 0,
            characters: Distribution::default(),
            words: Distribution::default(),
            ascii: 0,
            distinct: distinct(),
            frequent: ranking(),
            scripts: ranking(),
            vocabulary: distinct(),
            frequent_words: ranking(),
            stop_words: ranking(),
            keywords: Distribution::default(),
            frequent_keywords: ranking(),
        }
    }

    pub fn add(&mut self, captions: &Captions) {
        self.add_caption(captions.main());
        if let Captions::Named { keywords, .. } = captions {
            self.keywords.add(keywords.len() as u64);
            keywords.iter().for_each(|keyword| self.frequent_keywords.add(keyword));
        }
    }

    /// Counts a sample that has no caption, though perhaps a member for it.
    pub fn add_none(&mut self, blank: bool) {
        if blank {
            self.blank += 1;
        } else {
            self.missing += 1;
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.blank += other.blank;
        self.missing += other.missing;
        self.characters.merge(other.characters);
        self.words.merge(other.words);
        self.ascii += other.ascii;
        self.distinct.merge(other.distinct);
        self.frequent.merge(other.frequent);
        self.scripts.merge(other.scripts);
        self.vocabulary.merge(other.vocabulary);
        self.frequent_words.merge(other.frequent_words);
        self.stop_words.merge(other.stop_words);
        self.keywords.merge(other.keywords);
        self.frequent_keywords.merge(other.frequent_keywords);
    }

    pub fn finish(self, top: usize) -> CaptionStatistics {
        CaptionStatistics {
            blank: self.blank,
            missing: self.missing,
            characters: self.characters,
            words: self.words,
            ascii: self.ascii,
            distinct: self.distinct.finish(),
            frequent: self.frequent.finish(top),
            scripts: self.scripts.finish(top),
            vocabulary: self.vocabulary.finish(),
            frequent_words: self.frequent_words.finish(top),
            stop_words: self.stop_words.finish(top),
            keywords: self.keywords,
            frequent_keywords: self.frequent_keywords.finish(top),
        }
    }

    fn add_caption(&mut self, caption: &str) {
        self.characters.add(caption.chars().count() as u64);
        self.ascii += u64::from(caption.is_ascii());
        self.distinct.add(hash_of(caption.as_bytes()));
        self.frequent.add(caption);
        self.scripts.add(main_script(caption).unwrap_or("no letters"));
        let words = for_each_word(caption, |word| {
            self.vocabulary.add(hash_of(word.as_bytes()));
            if is_stop_word(word) {
                self.stop_words.add(word);
            } else {
                self.frequent_words.add(word);
            }
        });
        self.words.add(words);
    }
}
