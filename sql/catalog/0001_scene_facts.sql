-- purpose: the tables of scene facts, written by `ouroboros ingest` only
-- parameters: none
-- units: metres, seconds, pixels; right-handed, z up; matrices row-major
-- No primary keys: a scene's rows are replaced as a whole within one transaction, which is what
-- keeps them unique, and an index would be checked against rows that transaction has deleted.

-- grain: a scene
CREATE TABLE scenes (
    scene_id VARCHAR NOT NULL,          -- the dataset's own id
    dataset VARCHAR NOT NULL,
    split VARCHAR,                      -- the dataset's own split, where it names one
    room_key VARCHAR NOT NULL,          -- the physical room: never split between train and eval
    room_area_m2 DOUBLE,
    floor_polygon DOUBLE[2][] NOT NULL, -- ring of (x, y), last point not repeated; may be empty
    has_mesh BOOLEAN NOT NULL,
    num_frames INTEGER NOT NULL,
    fps DOUBLE,
    licence VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    content_hash VARCHAR NOT NULL,      -- sha256 of the bytes the scene was read from
    adapter_version VARCHAR NOT NULL,
    open_world_labels VARCHAR[] NOT NULL -- labels not annotated completely: not to be counted
);

-- grain: an annotated instance
CREATE TABLE objects (
    scene_id VARCHAR NOT NULL,
    object_id VARCHAR NOT NULL,
    object_index INTEGER NOT NULL,      -- position in the scene's list, from 0
    label VARCHAR NOT NULL,
    label_raw VARCHAR NOT NULL,
    center DOUBLE[3] NOT NULL,
    extent DOUBLE[3] NOT NULL,          -- full sizes along the box axes
    rotation DOUBLE[9] NOT NULL,        -- columns are the box axes
    aabb_min DOUBLE[3] NOT NULL,
    aabb_max DOUBLE[3] NOT NULL,
    num_points BIGINT,
    first_seen_s DOUBLE                 -- NULL where no frame shows it
);

-- grain: an unordered pair of objects of one scene; object_a stands before object_b in the scene
CREATE TABLE object_pairs (
    scene_id VARCHAR NOT NULL,
    object_a VARCHAR NOT NULL,
    object_b VARCHAR NOT NULL,
    surface_distance DOUBLE NOT NULL,   -- exact, between oriented boxes; 0 where they meet
    center_distance DOUBLE NOT NULL
);

-- grain: a usable frame
CREATE TABLE frames (
    scene_id VARCHAR NOT NULL,
    frame_id VARCHAR NOT NULL,
    frame_index INTEGER NOT NULL,       -- position in the scene's list, from 0
    timestamp_s DOUBLE NOT NULL,
    image VARCHAR,                      -- relative to the scene's source; NULL where rendered
    rendered BOOLEAN NOT NULL,          -- the picture is drawn from the scene's boxes
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    fx DOUBLE NOT NULL,
    fy DOUBLE NOT NULL,
    cx DOUBLE NOT NULL,
    cy DOUBLE NOT NULL,
    camera_to_world DOUBLE[16] NOT NULL -- OpenCV camera: x right, y down, z forward
);

-- grain: an object seen in a frame; pairs where nothing of the object is visible have no row
CREATE TABLE visibility (
    scene_id VARCHAR NOT NULL,
    frame_id VARCHAR NOT NULL,
    object_id VARCHAR NOT NULL,
    visible_fraction DOUBLE NOT NULL,   -- of the pixels the object alone would cover
    pixel_area DOUBLE NOT NULL,         -- visible pixels of the full-size frame
    box_2d DOUBLE[4] NOT NULL,          -- x0, y0, x1, y1 of the visible part
    depth_m DOUBLE NOT NULL             -- along the optical axis, median of the visible part
);
