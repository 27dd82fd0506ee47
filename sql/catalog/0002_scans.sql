-- purpose: what raw scans add: upright boxes, the room's structure, cameras that distort, floors,
--   navigation grids, and the scans that could not be read
-- parameters: none
-- units: metres, degrees; right-handed, z up

ALTER TABLE scenes ADD COLUMN floor_height_m DOUBLE;      -- z of the floor; NULL where unknown
ALTER TABLE scenes ADD COLUMN occlusion VARCHAR;          -- judged by depth, mesh or boxes
ALTER TABLE scenes ADD COLUMN processing VARCHAR DEFAULT ''; -- version and settings of ingest

ALTER TABLE objects ADD COLUMN upright_center DOUBLE[3];  -- the box with two level axes
ALTER TABLE objects ADD COLUMN upright_extent DOUBLE[3];  -- full sizes along its axes
ALTER TABLE objects ADD COLUMN upright_yaw_deg DOUBLE;    -- counter-clockwise from above, [-45, 45)
ALTER TABLE objects ADD COLUMN structure BOOLEAN DEFAULT false; -- walls, floor, ceiling

ALTER TABLE frames ADD COLUMN sampled BOOLEAN DEFAULT false; -- looked at: visibility is of these
ALTER TABLE frames ADD COLUMN camera_model VARCHAR DEFAULT 'pinhole'; -- opencv, opencv_fisheye
ALTER TABLE frames ADD COLUMN distortion DOUBLE[] DEFAULT []; -- the model's coefficients
ALTER TABLE frames ADD COLUMN quarter_turns INTEGER DEFAULT 0; -- clockwise, stored to upright

-- grain: a scene whose floor is known; cell (row, column) covers
--   origin + [column, row] * cell_m to origin + [column + 1, row + 1] * cell_m
CREATE TABLE navigation (
    scene_id VARCHAR NOT NULL,
    origin DOUBLE[2] NOT NULL,          -- x, y of the corner of cell (0, 0)
    cell_m DOUBLE NOT NULL,
    num_rows INTEGER NOT NULL,          -- along y
    num_columns INTEGER NOT NULL,       -- along x
    robot_radius_m DOUBLE NOT NULL,
    free BLOB NOT NULL                  -- one bit a cell, row by row, first cell in the high bit
);

-- grain: a file or scan that the last `ouroboros ingest` of its source could not read
CREATE TABLE ingest_errors (
    adapter VARCHAR NOT NULL,           -- the format, as the command line spells it
    source VARCHAR NOT NULL,            -- the path that was ingested
    scene_id VARCHAR,                   -- NULL where the fault is not one scene's
    file VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    remedy VARCHAR NOT NULL             -- what to do about it
);
