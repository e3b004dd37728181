//! Store files as values: CSV and GeoJSON to rows with named mistakes, and rows against the directory to a difference.
//! Not here: reading the file, writing the directory. A row with a mistake is left out and reported with its line;
//! unreadable opening hours and outlines are a warning, because a store can be visited without them. What a file cannot
//! say takes nothing away: an entrance or an outline that staff gave stays.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde_json::{Map, Value};

use super::ids::StoreId;
use super::outline::{Outline, Site};
use super::place::Point;
use super::store::{Hours, Problem, Zone, is_country};

/// Longer text in one field is a broken file (a lost quote swallows lines), not a name or a street.
const FIELD_MAX_CHARS: usize = 300;
/// About a centimetre; files are written with seven decimals.
const SAME_DEGREES: f64 = 1e-7;

/// What a row has when the file does not say.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Who gave the ids, when the file has no such column and is not from OpenStreetMap: `state-license`, `acme`.
    pub source: String,
    /// ISO 3166, two capital letters.
    pub country: String,
    pub time_zone: Zone,
}

/// One store of a file. `source` and `source_id` together name it.
#[derive(Clone, PartialEq, Debug)]
pub struct StoreRow {
    /// CSV: the line on which the row begins, the header being line 1. GeoJSON: the feature's place, from 1.
    pub line: u64,
    pub source: String,
    pub source_id: String,
    pub name: String,
    pub chain: Option<String>,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    /// WGS 84 degrees.
    pub lat: f64,
    pub lon: f64,
    /// Readable by [`Hours::parse`].
    pub opening_hours: Option<String>,
    pub time_zone: Zone,
    pub kind: Option<String>,
    /// `None`: the file does not say.
    pub entrance: Option<Point>,
    /// `None`: the file does not say.
    pub outline: Option<Outline>,
}

impl StoreRow {
    pub fn point(&self) -> Point {
        Point::new(self.lat, self.lon).expect("rows are made with a position on the globe")
    }
}

/// A mistake (or, among the warnings, a doubt) in one row. `column` is empty when the whole row is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowError {
    pub line: u64,
    pub column: String,
    pub code: &'static str,
    pub message: String,
}

/// A file that was read: the good rows, the rows with mistakes, and what was dropped from good rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Parsed {
    pub rows: Vec<StoreRow>,
    pub errors: Vec<RowError>,
    /// Rows that are no store that can be visited: without a name or a position. They keep nothing else out.
    pub left_out: Vec<RowError>,
    pub warnings: Vec<RowError>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Field {
    Source,
    SourceId,
    OsmType,
    OsmId,
    Name,
    Chain,
    Operator,
    Street,
    Housenumber,
    Postcode,
    City,
    Country,
    Lat,
    Lon,
    EntranceLat,
    EntranceLon,
    OpeningHours,
    TimeZone,
    Kind,
}

/// Header and property names in the order of preference; other columns are ignored.
const NAMES: &[(&str, Field)] = &[
    ("source", Field::Source),
    ("source_id", Field::SourceId),
    ("store_id", Field::SourceId),
    ("license_number", Field::SourceId),
    ("ref", Field::SourceId),
    ("id", Field::SourceId),
    ("@id", Field::SourceId),
    ("osm_type", Field::OsmType),
    ("osm_id", Field::OsmId),
    ("name", Field::Name),
    ("chain", Field::Chain),
    ("brand", Field::Chain),
    ("operator", Field::Operator),
    ("street", Field::Street),
    ("addr:street", Field::Street),
    ("address", Field::Street),
    ("housenumber", Field::Housenumber),
    ("addr:housenumber", Field::Housenumber),
    ("postcode", Field::Postcode),
    ("addr:postcode", Field::Postcode),
    ("zip", Field::Postcode),
    ("city", Field::City),
    ("addr:city", Field::City),
    ("country", Field::Country),
    ("addr:country", Field::Country),
    ("lat", Field::Lat),
    ("latitude", Field::Lat),
    ("lon", Field::Lon),
    ("lng", Field::Lon),
    ("longitude", Field::Lon),
    ("entrance_lat", Field::EntranceLat),
    ("entrance_lon", Field::EntranceLon),
    ("opening_hours", Field::OpeningHours),
    ("time_zone", Field::TimeZone),
    ("timezone", Field::TimeZone),
    ("kind", Field::Kind),
    ("shop", Field::Kind),
    ("establishment_type", Field::Kind),
];

/// Reads CSV with a header line. The delimiter (comma, semicolon, tab) is taken from the header; a byte order mark is
/// skipped. Known headers: `osm_type osm_id`, `source source_id` (or `store_id license_number ref id`), `name`,
/// `chain` or `brand`, `street housenumber postcode city country`, `lat lon`, `entrance_lat entrance_lon`,
/// `opening_hours`, `time_zone`, `kind` or `shop`. `lat`, `lon` and some id are needed: without them the one error is
/// `columns_missing` on line 1.
pub fn parse_csv(bytes: &[u8], defaults: &Defaults) -> Parsed {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter(bytes)).flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let mut file = Reading::new(defaults);
    let header: Vec<String> = match reader.byte_headers() {
        Ok(names) => names.iter().map(|name| String::from_utf8_lossy(name).to_lowercase()).collect(),
        Err(error) => return file.give_up("not_csv", format!("The header cannot be read: {error}.")),
    };
    let has = |field| columns_of(&header, field).next().is_some();
    let lacks: Vec<&str> = [
        ("lat", has(Field::Lat)),
        ("lon", has(Field::Lon)),
        ("osm_id or source_id", has(Field::OsmId) || has(Field::SourceId)),
    ]
    .into_iter()
    .filter_map(|(name, there)| (!there).then_some(name))
    .collect();
    if !lacks.is_empty() {
        return file.give_up("columns_missing", format!("The header has no column {}.", lacks.join(", ")));
    }
    // Looked up once per file, best name first.
    let columns: Vec<(Field, usize)> = NAMES
        .iter()
        .filter_map(|(name, field)| Some((*field, header.iter().position(|column| column == name)?)))
        .collect();

    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                file.error(line, "", "not_csv", format!("The line cannot be read: {error}."));
                break;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            let (got, want) = (record.len(), header.len());
            let message = format!("The line has {got} fields, the header {want}; put text with a delimiter in quotes.");
            file.error(line, "", "field_count", message);
            continue;
        }
        let mut bad_utf8 = None;
        let texts: Vec<&str> = (0..record.len())
            .map(|i| {
                std::str::from_utf8(&record[i]).unwrap_or_else(|_| {
                    bad_utf8.get_or_insert(i);
                    ""
                })
            })
            .collect();
        if let Some(i) = bad_utf8 {
            file.error(line, &header[i], "not_utf8", "The text is not UTF-8; save the file as UTF-8.".to_owned());
            continue;
        }
        file.row(line, None, |field| {
            columns
                .iter()
                .filter(|(of, _)| *of == field)
                .map(|(_, i)| (header[*i].as_str(), texts[*i]))
                .find(|(_, text)| !text.is_empty())
        });
    }
    file.parsed
}

/// Reads a GeoJSON FeatureCollection with OpenStreetMap tags or the CSV's names as properties. Points are taken as they
/// are, lines and areas by the middle of their bounding box; a polygon is the store's outline as well. The id is the
/// feature's `id` (`node/123` is OpenStreetMap's) or a property.
pub fn parse_geojson(bytes: &[u8], defaults: &Defaults) -> Parsed {
    let mut file = Reading::new(defaults);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let root: Value = match serde_json::from_slice(bytes) {
        Ok(root) => root,
        Err(error) => {
            file.error(error.line() as u64, "", "not_json", format!("The file cannot be read: {error}."));
            return file.parsed;
        }
    };
    let features = match (root["type"].as_str(), root["features"].as_array()) {
        (Some("FeatureCollection"), Some(features)) => features,
        _ => return file.give_up("not_geojson", "The file is not a GeoJSON FeatureCollection.".to_owned()),
    };
    for (place, feature) in (1..).zip(features) {
        let mut texts = feature["properties"].as_object().map(flat_texts).unwrap_or_default();
        if let Some(id) = text_of(&feature["id"]) {
            if is_osm_id(&id) {
                // Tags of these names say how a mapper knows, or what a chain calls its branch; the id is the feature's.
                texts.retain(|name, _| {
                    !NAMES.iter().any(|(n, f)| n == name && matches!(f, Field::Source | Field::SourceId))
                });
            }
            texts.insert("id".to_owned(), id);
        }
        // Positions in the properties do not count: the geometry is the position.
        texts.retain(|name, _| !NAMES.iter().any(|(n, f)| n == name && matches!(f, Field::Lat | Field::Lon)));
        if let Some((lat, lon)) = middle(&feature["geometry"]) {
            texts.insert("lat".to_owned(), lat.to_string());
            texts.insert("lon".to_owned(), lon.to_string());
        }
        let is_polygon = feature["geometry"]["type"] == "Polygon";
        file.texts(place, is_polygon.then(|| Outline::parse(&feature["geometry"])), &texts);
    }
    file.parsed
}

fn names_of(field: Field) -> impl Iterator<Item = &'static str> {
    NAMES.iter().filter(move |(_, of)| *of == field).map(|(name, _)| *name)
}

fn columns_of(header: &[String], field: Field) -> impl Iterator<Item = &str> {
    header.iter().map(String::as_str).filter(move |column| names_of(field).any(|name| name == *column))
}

fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.split(|b| *b == b'\n').next().unwrap_or(bytes);
    let count = |delimiter: u8| header.iter().filter(|b| **b == delimiter).count();
    // The last of equals wins, so the comma stands last.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).expect("three to choose from")
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn flat_texts(properties: &Map<String, Value>) -> HashMap<String, String> {
    properties.iter().filter_map(|(name, value)| Some((name.to_lowercase(), text_of(value)?))).collect()
}

/// (lat, lon) of a point, or of the middle of the bounding box of anything else.
fn middle(geometry: &Value) -> Option<(f64, f64)> {
    fn visit(coordinates: &Value, found: &mut Vec<(f64, f64)>) {
        let Some(list) = coordinates.as_array() else { return };
        match (list.first().and_then(Value::as_f64), list.get(1).and_then(Value::as_f64)) {
            (Some(lon), Some(lat)) => found.push((lat, lon)),
            _ => list.iter().for_each(|inner| visit(inner, found)),
        }
    }
    let mut found = Vec::new();
    visit(&geometry["coordinates"], &mut found);
    let first = *found.first()?;
    if found.len() == 1 {
        return Some(first);
    }
    let (low, high) = found.iter().fold((first, first), |(low, high), (lat, lon)| {
        ((low.0.min(*lat), low.1.min(*lon)), (high.0.max(*lat), high.1.max(*lon)))
    });
    Some(((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0))
}

/// A file being read: gathers rows and mistakes, knows which ids it has seen, and looks each zone and each text of
/// opening hours up once, for a chain writes the same hours a thousand times.
pub(super) struct Reading<'a> {
    defaults: &'a Defaults,
    pub(super) parsed: Parsed,
    seen: HashMap<(String, String), u64>,
    zones: HashMap<String, Option<Zone>>,
    hours: HashMap<String, Result<(), Problem>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(defaults: &'a Defaults) -> Reading<'a> {
        Reading {
            defaults,
            parsed: Parsed::default(),
            seen: HashMap::new(),
            zones: HashMap::new(),
            hours: HashMap::new(),
        }
    }

    pub(super) fn error(&mut self, line: u64, column: &str, code: &'static str, message: String) {
        self.parsed.errors.push(RowError { line, column: column.to_owned(), code, message });
    }

    fn give_up(mut self, code: &'static str, message: String) -> Parsed {
        self.error(1, "", code, message);
        self.parsed
    }

    /// Takes one row from texts by their names in [`NAMES`].
    pub(super) fn texts(
        &mut self,
        line: u64,
        outline: Option<Result<Outline, Problem>>,
        texts: &HashMap<String, String>,
    ) {
        self.row(line, outline, |field| {
            names_of(field)
                .filter_map(|name| Some((name, texts.get(name)?.as_str())))
                .find(|(_, text)| !text.is_empty())
        });
    }

    /// Takes one row. `get` gives the column's own name and its text, never empty.
    fn row<'t>(
        &mut self,
        line: u64,
        outline: Option<Result<Outline, Problem>>,
        get: impl Fn(Field) -> Option<(&'t str, &'t str)>,
    ) {
        match self.read(line, &get) {
            Ok(mut row) => {
                self.shape(&mut row, outline, &get);
                self.seen.insert((row.source.clone(), row.source_id.clone()), line);
                self.parsed.rows.push(row);
            }
            Err(error) if matches!(error.code, "position_missing" | "name_missing") => self.parsed.left_out.push(error),
            Err(error) => self.parsed.errors.push(error),
        }
    }

    /// Adds what the row says about entrance and outline; what cannot be used is dropped with a warning.
    fn shape<'t>(
        &mut self,
        row: &mut StoreRow,
        outline: Option<Result<Outline, Problem>>,
        get: &impl Fn(Field) -> Option<(&'t str, &'t str)>,
    ) {
        let mut site = Site { pin: row.point(), entrance: None, outline: None };
        let mut warn = |column: &str, code, message: String| {
            self.parsed.warnings.push(RowError { line: row.line, column: column.to_owned(), code, message });
        };
        if let (Some((column, lat)), Some((_, lon))) = (get(Field::EntranceLat), get(Field::EntranceLon)) {
            match lat.parse().ok().zip(lon.parse().ok()).and_then(|(lat, lon)| Point::new(lat, lon)) {
                Some(entrance) => site.entrance = Some(entrance),
                None => warn(column, "entrance_unreadable", format!("'{lat}, {lon}' is no position of an entrance.")),
            }
        }
        if let Err(problem) = site.check() {
            site.entrance = None;
            warn("entrance_lat", problem.code, problem.message);
        }
        match outline {
            None => {}
            Some(Err(problem)) => warn("geometry", problem.code, problem.message),
            Some(Ok(outline)) => {
                site.outline = Some(outline);
                if let Err(problem) = site.check() {
                    site.outline = None;
                    warn("geometry", problem.code, problem.message);
                }
            }
        }
        (row.entrance, row.outline) = (site.entrance, site.outline);
    }

    fn read<'t>(
        &mut self,
        line: u64,
        get: &impl Fn(Field) -> Option<(&'t str, &'t str)>,
    ) -> Result<StoreRow, RowError> {
        let wrong = |column: &str, code, message: String| RowError { line, column: column.to_owned(), code, message };
        let text = |field| -> Result<Option<String>, RowError> {
            let Some((column, text)) = get(field) else { return Ok(None) };
            if text.len() > FIELD_MAX_CHARS && text.chars().count() > FIELD_MAX_CHARS {
                let message = format!("The text is longer than {FIELD_MAX_CHARS} characters; look for a lost quote.");
                return Err(wrong(column, "too_long", message));
            }
            if text.chars().any(char::is_control) {
                let message = "The text has a line break or another control character.".to_owned();
                return Err(wrong(column, "control_character", message));
            }
            Ok(Some(text.to_owned()))
        };

        let (source, source_id) = self.name_of_source(&text)?.ok_or_else(|| {
            wrong(
                "",
                "id_missing",
                "The row has no id; without one a later import cannot find the store again.".to_owned(),
            )
        })?;
        if let Some(first) = self.seen.get(&(source.clone(), source_id.clone())) {
            let message = format!("The id {source_id} was given on line {first} already.");
            return Err(wrong("", "id_twice", message));
        }
        let chain = text(Field::Chain)?;
        let name = match text(Field::Name)?.or_else(|| chain.clone()) {
            Some(name) => Some(name),
            None => text(Field::Operator)?,
        };
        let name = name.ok_or_else(|| wrong("name", "name_missing", format!("{source}:{source_id} has no name.")))?;

        let degrees = |field, limit: f64| -> Result<f64, RowError> {
            let own_name = if field == Field::Lat { "lat" } else { "lon" };
            let (column, text) = get(field).ok_or_else(|| {
                wrong(own_name, "position_missing", format!("{name} has no position; a mission needs one."))
            })?;
            text.parse().ok().filter(|d: &f64| d.abs() <= limit).ok_or_else(|| {
                let message = format!("'{text}' is not degrees from -{limit} to {limit}, written like 46.5197.");
                wrong(column, "position_unreadable", message)
            })
        };
        let (lat, lon) = (degrees(Field::Lat, 90.0)?, degrees(Field::Lon, 180.0)?);
        if lat == 0.0 && lon == 0.0 {
            let message = format!("{name} has the position 0, 0, which stands for an unknown one.");
            return Err(wrong("lat", "position_missing", message));
        }

        let country = text(Field::Country)?.map_or_else(|| self.defaults.country.clone(), |code| code.to_uppercase());
        if !is_country(&country) {
            let message = format!("'{country}' is not an ISO 3166 country code, such as CH.");
            return Err(wrong("country", "country_unknown", message));
        }
        let time_zone = match text(Field::TimeZone)? {
            None => self.defaults.time_zone.clone(),
            Some(name) => {
                let zone = self.zones.entry(name.clone()).or_insert_with(|| Zone::parse(&name).ok()).clone();
                zone.ok_or_else(|| {
                    let message = format!("'{name}' is not an IANA time zone, such as Europe/Zurich.");
                    wrong("time_zone", "time_zone_unknown", message)
                })?
            }
        };
        let row = StoreRow {
            line,
            source,
            source_id,
            name,
            chain,
            street: text(Field::Street)?,
            housenumber: text(Field::Housenumber)?,
            postcode: text(Field::Postcode)?,
            city: text(Field::City)?,
            country,
            lat,
            lon,
            opening_hours: None,
            time_zone,
            kind: text(Field::Kind)?,
            entrance: None,
            outline: None,
        };
        // Last, so that a row that is left out does not warn as well.
        let opening_hours = get(Field::OpeningHours).and_then(|(column, text)| {
            let looked_up = self.hours.entry(text.to_owned()).or_insert_with(|| Hours::parse(text).map(drop));
            match looked_up {
                Ok(()) => Some(text.to_owned()),
                Err(problem) => {
                    self.parsed.warnings.push(wrong(column, problem.code, problem.message.clone()));
                    None
                }
            }
        });
        Ok(StoreRow { opening_hours, ..row })
    }

    /// (source, source id): OpenStreetMap's type and number as `node/123`, or an id in a namespace of its own.
    fn name_of_source(
        &self,
        text: &impl Fn(Field) -> Result<Option<String>, RowError>,
    ) -> Result<Option<(String, String)>, RowError> {
        let source = text(Field::Source)?;
        if let Some(number) = text(Field::OsmId)? {
            let kind = text(Field::OsmType)?.unwrap_or_else(|| "node".to_owned());
            return Ok(Some((source.unwrap_or_else(|| "osm".to_owned()), format!("{kind}/{number}"))));
        }
        Ok(text(Field::SourceId)?.map(|id| {
            let default = if is_osm_id(&id) { "osm" } else { &self.defaults.source };
            (source.unwrap_or_else(|| default.to_owned()), id)
        }))
    }
}

fn is_osm_id(id: &str) -> bool {
    id.split_once('/').is_some_and(|(kind, number)| {
        matches!(kind, "node" | "way" | "relation") && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

// Against the directory

/// One field of a known store that the file would change. Positions are written `46.5197000, 6.6323000`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldChange {
    pub field: &'static str,
    pub old: String,
    pub new: String,
}

/// A store of the directory under one of its ids.
#[derive(Clone, PartialEq, Debug)]
pub struct Known {
    /// As a file would name it; its `line` is ignored.
    pub row: StoreRow,
    pub store: StoreId,
    /// The id was another store's, which was merged into this one.
    pub merged: bool,
    /// Staff said where it is: no file moves it.
    pub placed: bool,
}

/// What an import would do. `missing` are known stores of the file's sources that the file does not name: they are
/// reported and never closed by an import, because a file may be a part.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Diff<'a> {
    pub added: Vec<&'a StoreRow>,
    pub changed: Vec<(&'a StoreRow, &'a Known, Vec<FieldChange>)>,
    pub unchanged: Vec<&'a StoreRow>,
    pub missing: Vec<&'a StoreRow>,
    /// Rows under the id of a store that was merged into one which the file names as well: that row speaks for both, or
    /// two rows would change the store back and forth.
    pub merged: Vec<&'a StoreRow>,
}

/// Compares the file's `rows` with the `existing` stores, matched by source and source id. Each list keeps the order it
/// came in.
pub fn diff<'a>(existing: &'a [Known], rows: &'a [StoreRow]) -> Diff<'a> {
    let known: HashMap<_, _> = existing.iter().map(|known| (key_of(&known.row), known)).collect();
    let named = |row| known.get(&key_of(row)).copied();
    let mut spoken_for: HashSet<&StoreId> =
        rows.iter().filter_map(named).filter(|known| !known.merged).map(|known| &known.store).collect();
    let mut diff = Diff::default();
    for row in rows {
        match named(row) {
            None => diff.added.push(row),
            Some(old) if old.merged && !spoken_for.insert(&old.store) => diff.merged.push(row),
            Some(old) => match changes(old, row) {
                none if none.is_empty() => diff.unchanged.push(row),
                some => diff.changed.push((row, old, some)),
            },
        }
    }
    let sources: HashSet<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    let is_missing = |known: &&Known| {
        !known.merged && sources.contains(known.row.source.as_str()) && !spoken_for.contains(&known.store)
    };
    diff.missing = existing.iter().filter(is_missing).map(|known| &known.row).collect();
    diff
}

fn key_of(row: &StoreRow) -> (&str, &str) {
    (&row.source, &row.source_id)
}

fn changes(known: &Known, new: &StoreRow) -> Vec<FieldChange> {
    let old = &known.row;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut all: Vec<FieldChange> = [
        ("name", old.name.clone(), new.name.clone()),
        ("chain", or_empty(&old.chain), or_empty(&new.chain)),
        ("street", or_empty(&old.street), or_empty(&new.street)),
        ("housenumber", or_empty(&old.housenumber), or_empty(&new.housenumber)),
        ("postcode", or_empty(&old.postcode), or_empty(&new.postcode)),
        ("city", or_empty(&old.city), or_empty(&new.city)),
        ("country", old.country.clone(), new.country.clone()),
        ("opening_hours", or_empty(&old.opening_hours), or_empty(&new.opening_hours)),
        ("time_zone", old.time_zone.to_string(), new.time_zone.to_string()),
        ("kind", or_empty(&old.kind), or_empty(&new.kind)),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(field, old, new)| FieldChange { field, old, new })
    .collect();
    if (old.lat - new.lat).abs() > SAME_DEGREES || (old.lon - new.lon).abs() > SAME_DEGREES {
        let written = |row: &StoreRow| format!("{:.7}, {:.7}", row.lat, row.lon);
        all.push(FieldChange { field: "position", old: written(old), new: written(new) });
    }
    if new.entrance.is_some() && new.entrance != old.entrance {
        let written =
            |row: &StoreRow| row.entrance.map_or(String::new(), |e| format!("{:.7}, {:.7}", e.lat(), e.lon()));
        all.push(FieldChange { field: "entrance", old: written(old), new: written(new) });
    }
    if new.outline.is_some() && new.outline != old.outline {
        let written = |row: &StoreRow| {
            row.outline.as_ref().map_or(String::new(), |outline| format!("{} corners", outline.corners().len()))
        };
        all.push(FieldChange { field: "outline", old: written(old), new: written(new) });
    }
    if known.placed {
        all.retain(|change| !matches!(change.field, "position" | "entrance" | "outline"));
    }
    all
}

impl Diff<'_> {
    /// The dry run as text: the counts, then at most `show` stores of each kind.
    pub fn table(&self, show: usize) -> String {
        let mut text = format!(
            "added {}  changed {}  unchanged {}  missing {}\n",
            self.added.len(),
            self.changed.len(),
            self.unchanged.len(),
            self.missing.len()
        );
        if !self.merged.is_empty() {
            writeln!(text, "merged into stores that the file names as well {}", self.merged.len())
                .expect("a string takes any text");
        }
        let line = |row: &StoreRow| {
            let place = row.city.as_deref().map_or(String::new(), |city| format!(", {city}"));
            format!("{}:{}  {}{place}", row.source, row.source_id, row.name)
        };
        section(&mut text, "+", self.added.iter().map(|row| line(row)), show);
        let changed = self.changed.iter().map(|(row, _, fields)| {
            fields.iter().fold(line(row), |mut text, change| {
                let shown = |value: &str| if value.is_empty() { "(none)".to_owned() } else { format!("'{value}'") };
                write!(text, "\n      {}: {} -> {}", change.field, shown(&change.old), shown(&change.new))
                    .expect("a string takes any text");
                text
            })
        });
        section(&mut text, "~", changed, show);
        section(&mut text, "?", self.missing.iter().map(|row| line(row)), show);
        text
    }
}

fn section(text: &mut String, mark: &str, lines: impl ExactSizeIterator<Item = String>, show: usize) {
    let more = lines.len().saturating_sub(show);
    for line in lines.take(show) {
        writeln!(text, "  {mark} {line}").expect("a string takes any text");
    }
    if more > 0 {
        writeln!(text, "  {mark} and {more} more").expect("a string takes any text");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = include_bytes!("../../tests/fixtures/stores/good.csv");
    const MIXED: &[u8] = include_bytes!("../../tests/fixtures/stores/mixed.csv");

    fn swiss() -> Defaults {
        Defaults {
            source: "acme".to_owned(),
            country: "CH".to_owned(),
            time_zone: Zone::parse("Europe/Zurich").expect("a zone"),
        }
    }

    fn csv(text: &str) -> Parsed {
        parse_csv(text.as_bytes(), &swiss())
    }

    fn codes(errors: &[RowError]) -> Vec<(u64, &str, &str)> {
        errors.iter().map(|e| (e.line, e.column.as_str(), e.code)).collect()
    }

    #[test]
    fn good_rows_are_read_with_the_defaults_filled_in() {
        let parsed = parse_csv(GOOD, &swiss());
        assert_eq!((parsed.errors.len(), parsed.warnings.len(), parsed.rows.len()), (0, 0, 4));
        let [coop, migros, lidl, uccle] = &parsed.rows[..] else { panic!("four rows") };
        assert_eq!((coop.line, coop.source.as_str(), coop.source_id.as_str()), (2, "osm", "node/1001"));
        assert_eq!((coop.country.as_str(), coop.time_zone.name()), ("CH", "Europe/Zurich"));
        assert_eq!(coop.street.as_deref(), Some("Rue de la Pontaise"));
        assert_eq!(coop.kind.as_deref(), Some("supermarket"));
        assert_eq!((coop.point().lat(), coop.point().lon()), (46.5293757, 6.6305889));
        assert_eq!((migros.name.as_str(), migros.opening_hours.as_deref()), ("Migros", None), "named after its chain");
        assert_eq!((lidl.source_id.as_str(), lidl.country.as_str()), ("way/1002", "CH"));
        assert_eq!((uccle.country.as_str(), uccle.time_zone.name()), ("BE", "Europe/Brussels"));
    }

    #[test]
    fn bad_rows_are_reported_by_line_and_column_and_the_rest_is_kept() {
        let parsed = parse_csv(MIXED, &swiss());
        assert_eq!(
            codes(&parsed.errors),
            [
                (4, "lat", "position_unreadable"),
                (5, "lat", "position_unreadable"),
                (8, "", "id_twice"),
                (9, "", "id_missing"),
                (11, "", "field_count"),
                (12, "country", "country_unknown"),
                (13, "time_zone", "time_zone_unknown"),
                (14, "name", "control_character"),
                (16, "lat", "position_unreadable"),
            ]
        );
        let kept: Vec<_> = parsed.rows.iter().map(|row| (row.line, row.name.as_str())).collect();
        assert_eq!(kept, [(2, "Good"), (7, "Odd hours"), (17, "Good too")]);
        assert!(parsed.errors[2].message.contains("line 2"), "{}", parsed.errors[2].message);
        assert_eq!(
            codes(&parsed.left_out),
            [(3, "lat", "position_missing"), (6, "lat", "position_missing"), (10, "name", "name_missing")]
        );
        assert!(parsed.left_out[0].message.ends_with(" has no position; a mission needs one."), "{parsed:?}");
    }

    #[test]
    fn unreadable_hours_leave_the_hours_unknown_with_a_warning() {
        let parsed = parse_csv(MIXED, &swiss());
        assert_eq!(codes(&parsed.warnings), [(7, "opening_hours", "opening_hours_unreadable")]);
        assert_eq!(parsed.rows[1].opening_hours, None);
    }

    #[test]
    fn text_that_is_not_utf8_is_an_error_of_its_row() {
        let parsed = parse_csv(include_bytes!("../../tests/fixtures/stores/latin1.csv"), &swiss());
        assert_eq!(codes(&parsed.errors), [(2, "name", "not_utf8")]);
        assert_eq!(parsed.rows[0].name, "Épicerie");
        assert_eq!(parsed.rows[0].source, "acme", "an id without a namespace takes the default one");
    }

    #[test]
    fn other_headers_delimiters_and_a_byte_order_mark_are_understood() {
        let parsed = parse_csv(include_bytes!("../../tests/fixtures/stores/licences.csv"), &swiss());
        assert_eq!((parsed.errors.len(), codes(&parsed.left_out)), (0, vec![(3, "lat", "position_missing")]));
        let row = &parsed.rows[0];
        assert_eq!(
            (row.source_id.as_str(), row.postcode.as_deref(), row.kind.as_deref()),
            ("749282", Some("11368"), Some("JAC"))
        );
        let excel = csv("\u{feff}Store_ID;Name;Latitude;Longitude\r\nx1;\"Chez; Paul\";46.5;6.6\r\n");
        assert_eq!(excel.errors, []);
        assert_eq!((excel.rows[0].source_id.as_str(), excel.rows[0].name.as_str()), ("x1", "Chez; Paul"));
    }

    #[test]
    fn a_file_without_the_needed_columns_is_one_error() {
        let parsed = csv("name,lat\nCoop,46.5\n");
        assert_eq!(codes(&parsed.errors), [(1, "", "columns_missing")]);
        assert_eq!(parsed.errors[0].message, "The header has no column lon, osm_id or source_id.");
        assert_eq!(codes(&csv("").errors), [(1, "", "columns_missing")]);
        assert_eq!(csv("id,name,lat,lon\n"), Parsed::default());
    }

    #[test]
    fn a_lost_quote_does_not_become_a_name() {
        let rest: String = (0..50).map(|n| format!("{n},Shop,46.5,6.6\n")).collect();
        let parsed = csv(&format!("id,name,lat,lon\nq,\"Shop,46.5,6.6\n{rest}"));
        assert!(parsed.rows.is_empty());
        assert_eq!(codes(&parsed.errors), [(2, "", "field_count")]);
    }

    #[test]
    fn geojson_gives_the_same_rows_and_the_feature_in_place_of_the_line() {
        let parsed = parse_geojson(include_bytes!("../../tests/fixtures/stores/mixed.geojson"), &swiss());
        assert_eq!(
            codes(&parsed.errors),
            [(5, "", "id_twice"), (6, "", "id_missing"), (8, "lat", "position_unreadable"),]
        );
        assert_eq!(codes(&parsed.left_out), [(4, "lat", "position_missing"), (7, "name", "name_missing")]);
        assert_eq!(
            codes(&parsed.warnings),
            [(2, "opening_hours", "opening_hours_unreadable"), (2, "geometry", "outline_large")]
        );
        let [coop, migros, own] = &parsed.rows[..] else { panic!("three rows") };
        assert_eq!((coop.source_id.as_str(), coop.housenumber.as_deref()), ("node/1", Some("14")));
        assert_eq!((migros.source.as_str(), migros.source_id.as_str()), ("osm", "way/2"));
        assert!((migros.lat - 46.55).abs() < 1e-9 && (migros.lon - 6.7).abs() < 1e-9, "the middle of the building");
        assert_eq!(migros.outline, None, "no building is that large");
        assert_eq!((own.source.as_str(), own.source_id.as_str(), own.lat), ("acme", "3", 46.7));
    }

    #[test]
    fn what_is_not_geojson_is_one_error() {
        let read = |text: &str| codes(&parse_geojson(text.as_bytes(), &swiss()).errors)[0].2.to_owned();
        assert_eq!(read("{\"type\": "), "not_json");
        assert_eq!(read("[]"), "not_geojson");
        assert_eq!(read("{\"type\":\"Feature\"}"), "not_geojson");
        assert_eq!(parse_geojson(b"\xff", &swiss()).errors[0].code, "not_json");
    }

    fn known(rows: &[StoreRow]) -> Vec<Known> {
        let known = |(n, row): (u128, &StoreRow)| Known {
            row: row.clone(),
            store: StoreId::from_bits(n),
            merged: false,
            placed: false,
        };
        (1..).zip(rows).map(known).collect()
    }

    #[test]
    fn an_entrance_and_an_outline_are_kept_until_a_file_says_otherwise() {
        let polygon = |east: f64| {
            let (west, east) = (6.6, 6.6 + east);
            format!(
                "{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"id\":\"way/1\",\
                 \"properties\":{{\"name\":\"Hall\",\"ref\":\"12\",\"source\":\"survey\",\"entrance_lat\":46.5,\"entrance_lon\":\"6.6001\"}},\
                 \"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[{west},46.5],[{east},46.5],[{east},46.501],\
                 [{west},46.501],[{west},46.5]]]}}}}]}}"
            )
        };
        let read = |text: String| parse_geojson(text.as_bytes(), &swiss());
        let first = read(polygon(0.001));
        assert_eq!((first.errors.len(), first.warnings.len()), (0, 0), "{first:?}");
        let mut stored = known(&first.rows);
        assert_eq!(stored[0].row.entrance.map(|e| e.lon()), Some(6.6001));
        let named = (first.rows[0].source.as_str(), first.rows[0].source_id.as_str());
        assert_eq!(named, ("osm", "way/1"), "tags called `ref` and `source` name no store");
        let fields = |stored: &[Known], rows: &[StoreRow]| {
            let diff = diff(stored, rows);
            diff.changed.iter().flat_map(|(_, _, all)| all.iter().map(|c| c.field)).collect::<Vec<_>>()
        };
        let point = [StoreRow { entrance: None, outline: None, ..first.rows[0].clone() }];
        assert_eq!(fields(&stored, &point), [""; 0], "a file that does not say takes nothing away");
        let wider = read(polygon(0.002)).rows;
        assert_eq!(fields(&stored, &wider), ["position", "outline"]);
        stored[0].placed = true;
        assert_eq!(fields(&stored, &wider), [""; 0], "staff said where it is");

        let flat = read(polygon(0.0));
        assert_eq!(codes(&flat.warnings), [(1, "geometry", "outline_corners")]);
        assert_eq!(flat.rows[0].outline, None);
    }

    #[test]
    fn the_id_of_a_merged_store_speaks_for_the_kept_one_when_nobody_else_does() {
        let rows = parse_csv(GOOD, &swiss()).rows;
        let mut stored = known(&rows[..2]);
        // The second was merged into the first.
        stored[1] = Known {
            row: StoreRow { source_id: "node/9".to_owned(), ..rows[0].clone() },
            merged: true,
            ..stored[0].clone()
        };
        let alone = [StoreRow { name: "New name".to_owned(), ..stored[1].row.clone() }];
        let one = diff(&stored, &alone);
        assert_eq!((one.changed.len(), one.changed[0].1.store.clone()), (1, stored[0].store.clone()));
        assert_eq!((one.missing.len(), one.merged.len()), (0, 0));
        let both = [rows[0].clone(), alone[0].clone()];
        let two = diff(&stored, &both);
        assert_eq!((two.changed.len(), two.unchanged.len(), two.merged.len()), (0, 1, 1));
    }

    #[test]
    fn a_difference_names_what_is_new_changed_and_no_longer_there() {
        let before = parse_csv(GOOD, &swiss()).rows;
        let mut after = before.clone();
        let gone = after.remove(0);
        after[0].opening_hours = Some("24/7".to_owned());
        after[0].lat += 0.001;
        after[1].lat += 1e-9;
        after.push(StoreRow { source_id: "node/2000".to_owned(), name: "Denner".to_owned(), ..gone.clone() });
        let elsewhere = StoreRow { source: "acme".to_owned(), ..gone };
        let known = known(&before.iter().cloned().chain([elsewhere]).collect::<Vec<_>>());

        let diff = diff(&known, &after);
        assert_eq!(diff.added.iter().map(|row| row.source_id.as_str()).collect::<Vec<_>>(), ["node/2000"]);
        assert_eq!(diff.unchanged.len(), 2, "a nanodegree is no change");
        assert_eq!(diff.missing.iter().map(|row| row.source_id.as_str()).collect::<Vec<_>>(), ["node/1001"]);
        let (row, _, fields) = &diff.changed[0];
        assert_eq!(row.source_id, "node/1002");
        assert_eq!(fields.iter().map(|change| change.field).collect::<Vec<_>>(), ["opening_hours", "position"]);
        assert_eq!(
            diff.table(10),
            "added 1  changed 1  unchanged 2  missing 1\n\
             \x20 + osm:node/2000  Denner, Lausanne\n\
             \x20 ~ osm:node/1002  Migros, Lausanne\n\
             \x20     opening_hours: (none) -> '24/7'\n\
             \x20     position: '46.5271839, 6.6330349' -> '46.5281839, 6.6330349'\n\
             \x20 ? osm:node/1001  Coop Pontaise, Lausanne\n"
        );
    }

    #[test]
    fn the_same_file_again_changes_nothing_and_a_long_table_is_cut() {
        let rows = parse_csv(GOOD, &swiss()).rows;
        let known = known(&rows);
        let again = diff(&known, &rows);
        assert_eq!((again.added.len(), again.changed.len(), again.missing.len()), (0, 0, 0));
        let first = diff(&[], &rows);
        assert!(first.table(1).ends_with("  + and 3 more\n"), "{}", first.table(1));
    }
}
