//! Images with the places where they were taken, as IM2GPS (Hays and Efros 2008) has them.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use exif::{Exif, In, Tag, Value};
use image::DynamicImage;

use crate::stored::{StoredImage, is_image_file, sorted_entries};
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// What the columns of a list of places are called, in any case.
const COLUMNS: [&[&str]; 3] = [&["image", "img_id"], &["lat", "latitude"], &["lon", "longitude"]];

/// The earth's mean radius in kilometres.
const RADIUS: f64 = 6371.0;

/// A place on earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// In degrees, north of the equator.
    pub latitude: f64,
    /// In degrees, east of Greenwich.
    pub longitude: f64,
}

impl Place {
    /// The great-circle distance in kilometres on a sphere of 6,371 km, by the haversine formula.
    pub fn distance(self, other: Self) -> f64 {
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let across = self.latitude.to_radians().cos() * other.latitude.to_radians().cos();
        let haversine =
            half(self.latitude, other.latitude) + across * half(self.longitude, other.longitude);
        2.0 * RADIUS * haversine.clamp(0.0, 1.0).sqrt().asin()
    }

    fn checked(latitude: f64, longitude: f64) -> Option<Self> {
        let is_one = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_one.then_some(Self { latitude, longitude })
    }
}

/// Images with places.
pub struct PlacedImages {
    images: Vec<PathBuf>,
    places: Vec<Place>,
}

impl PlacedImages {
    /// The images of `PART.csv` in a folder, which are below `PART`: columns `image` (or `IMG_ID`), `lat`
    /// (`latitude`) and `lon` (`longitude`), in any case, and any others. Without that list the images in
    /// `PART`, sorted by name, with the GPS positions of their EXIF data.
    ///
    /// # Errors
    ///
    /// When neither is there, an image is missing, or one has no place on earth.
    pub fn open(folder: impl AsRef<Path>, part: &str) -> Result<Self, DataError> {
        let images = folder.as_ref().join(part);
        let list = folder.as_ref().join(format!("{part}.csv"));
        let placed = match list.is_file() {
            true => listed(&list, &images)?,
            false => photographs(&images)?,
        };
        if placed.is_empty() {
            let reason = format!("there are no images: put them here, or write {}", list.display());
            return Err(DataError::layout(images, reason));
        }
        let (images, places) = placed.into_iter().unzip();
        Ok(Self { images, places })
    }

    /// Where each image was taken.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The files of the images.
    pub fn files(&self) -> &[PathBuf] {
        &self.images
    }

    /// The image at `index`, in `0..places().len()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    pub fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.images.len() };
        let path = self.images.get(index).ok_or_else(out_of_range)?;
        StoredImage::of_file(path.clone()).decode(DEFAULT_MAX_PIXELS)
    }
}

fn listed(list: &Path, images: &Path) -> Result<Vec<(PathBuf, Place)>, DataError> {
    let wrong = |reason: String| DataError::layout(list, reason);
    let text = fs::read_to_string(list).map_err(|source| DataError::io(list, source))?;
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let head = table.headers().cloned().map_err(|error| wrong(error.to_string()))?;
    let column = |names: &&[&str]| {
        let is_it = |title: &str| names.iter().any(|name| title.trim().eq_ignore_ascii_case(name));
        let found = head.iter().position(is_it);
        found.ok_or_else(|| wrong(format!("it has no column `{}`", names.join("` or `"))))
    };
    let [image, latitude, longitude] = &COLUMNS;
    let (image, latitude, longitude) = (column(image)?, column(latitude)?, column(longitude)?);
    let rows = table.records().zip(2..).map(|(row, line)| {
        let wrong = |reason: String| wrong(format!("line {line}: {reason}"));
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let degrees = |column: usize| row.get(column)?.trim().parse::<f64>().ok();
        let place = degrees(latitude).zip(degrees(longitude));
        let place = place.and_then(|(latitude, longitude)| Place::checked(latitude, longitude));
        let place = place.ok_or_else(|| wrong("it has no latitude and longitude".to_owned()))?;
        let path = images.join(row.get(image).unwrap_or_default());
        match path.is_file() {
            true => Ok((path, place)),
            false => Err(wrong(format!("there is no {}", path.display()))),
        }
    });
    rows.collect()
}

fn photographs(folder: &Path) -> Result<Vec<(PathBuf, Place)>, DataError> {
    let images = sorted_entries(folder, is_image_file)?.into_iter();
    let placed = images.map(|path| {
        let file = fs::File::open(&path).map_err(|source| DataError::io(&path, source))?;
        let exif = exif::Reader::new().read_from_container(&mut BufReader::new(file)).ok();
        let reason =
            "it has no GPS position in its EXIF data: remove it, or write a list of places";
        let place = exif.as_ref().and_then(position);
        Ok((path.clone(), place.ok_or_else(|| DataError::layout(path, reason))?))
    });
    placed.collect()
}

/// The GPS position of EXIF data.
fn position(exif: &Exif) -> Option<Place> {
    let degrees = |tag: Tag, reference: Tag, negative: u8| {
        let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
        let mut parts = parts.iter().map(exif::Rational::to_f64);
        let value = parts.next()? + parts.next().unwrap_or(0.0) / 60.0;
        let value = value + parts.next().unwrap_or(0.0) / 3600.0;
        let Value::Ascii(side) = &exif.get_field(reference, In::PRIMARY)?.value else {
            return None;
        };
        let is_negative = side.first()?.first()?.eq_ignore_ascii_case(&negative);
        Some(if is_negative { -value } else { value })
    };
    let latitude = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
    Place::checked(latitude, degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?)
}

#[cfg(test)]
mod tests;
