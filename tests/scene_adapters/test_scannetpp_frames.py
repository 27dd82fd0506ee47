"""ScanNet++ frames: which description is used, its axes, its times, what is left out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from scannetpp_scenes import copied, edit, read, small_room, write

from scene_adapters.errors import SceneFormatError

WAYS = {
    "arkit": {},
    "iphone-colmap": {"poses": "colmap"},
    "iphone-transforms": {"poses": "transforms"},
    "undistorted": {"stream": "dslr"},
    "fisheye": {"stream": "dslr", "dslr": "fisheye"},
    "dslr-colmap": {"stream": "dslr", "dslr": "colmap"},
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    root = tmp_path_factory.mktemp("scannetpp")
    return {name: write(root / name, **options) for name, options in WAYS.items()}


@pytest.fixture
def scene(request, originals, tmp_path):
    return copied(originals[request.param], tmp_path)


def every_way(*names):
    return pytest.mark.parametrize("scene", names or tuple(WAYS), indirect=True)


def frames(scene):
    return read(scene).record.frames


def pose(frame):
    return np.array(frame.camera_to_world).reshape(4, 4)


def put_picture(path, size=(192, 144)):
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (9, 8, 7)).save(path)


# -- poses ---------------------------------------------------------------------------------------


@every_way()
def test_poses_come_back_to_a_micrometre(scene):
    found, truth = frames(scene), small_room().record.frames
    assert len(found) == len(truth)
    for frame, true in zip(found, truth, strict=True):
        assert np.abs(pose(frame) - pose(true)).max() < 1e-6


@every_way("undistorted")
def test_transforms_json_is_in_a_world_of_its_own(scene):
    """Worked by hand: a camera at (1, 2, 3) of the mesh looks along x, its down is -z.

    Its right is then -y. In the file right, up and back are the columns, and the mesh's
    (x, y, z) is written as (y, x, -z).
    """
    matrix = [[-1, 0, 0, 2], [0, 0, -1, 1], [0, -1, 0, -3], [0, 0, 0, 1]]
    path = scene / "dslr" / "nerfstudio" / "transforms_undistorted.json"
    edit(path, lambda whole: whole["frames"][0].update(transform_matrix=matrix))
    found = pose(frames(scene)[0])
    assert found[:3, 3].tolist() == [1, 2, 3]
    assert found[:3, 2].tolist() == [1, 0, 0]  # forward
    assert found[:3, 1].tolist() == [0, 0, -1]  # down
    assert found[:3, 0].tolist() == [0, -1, 0]  # right


@every_way("arkit")
def test_the_pose_in_arkits_own_frame_is_not_used(scene):
    path = scene / "iphone" / "pose_intrinsic_imu.json"
    before = frames(scene)
    edit(path, lambda whole: [entry.pop("pose") for entry in whole.values()])
    assert frames(scene) == before


@every_way("arkit")
def test_frames_without_a_rigid_pose_or_a_camera_are_left_out(scene):
    def spoil(whole):
        entries = list(whole.values())
        entries[0]["aligned_pose"][0][3] = float("nan")
        entries[1]["aligned_pose"][0] = [-x for x in entries[1]["aligned_pose"][0]]  # mirrored
        entries[2].pop("aligned_pose")
        entries[3]["intrinsic"][0][0] = -1.0
        entries[4]["aligned_pose"] = "lost"

    edit(scene / "iphone" / "pose_intrinsic_imu.json", spoil)
    assert [frame.frame_id for frame in frames(scene)] == ["frame_000005"]


@every_way("arkit")
def test_matrices_may_be_written_flat(scene):
    def flatten(whole):
        for entry in whole.values():
            entry["aligned_pose"] = np.ravel(entry["aligned_pose"]).tolist()
            entry["intrinsic"] = np.ravel(entry["intrinsic"]).tolist()

    before = frames(scene)
    edit(scene / "iphone" / "pose_intrinsic_imu.json", flatten)
    assert frames(scene) == before


@every_way("undistorted")
def test_frames_marked_as_bad_are_left_out_and_test_frames_are_not(scene):
    path = scene / "dslr" / "nerfstudio" / "transforms_undistorted.json"
    assert len(json.loads(path.read_text())["test_frames"]) == 1
    assert len(frames(scene)) == 6
    edit(path, lambda whole: whole["frames"][1].update(is_bad=True))
    assert [frame.frame_id[-1] for frame in frames(scene)] == ["1", "3", "4", "5", "6"]


@every_way("undistorted")
def test_a_frame_listed_twice_is_one(scene):
    path = scene / "dslr" / "nerfstudio" / "transforms_undistorted.json"
    before = frames(scene)
    edit(path, lambda whole: whole["test_frames"].append(whole["frames"][0]))
    assert frames(scene) == before
    edit(path, lambda whole: whole.update(test_frames=None))
    assert len(frames(scene)) == 5


# -- cameras -------------------------------------------------------------------------------------


@every_way("arkit")
def test_intrinsics_are_the_videos(scene):
    frame, true = frames(scene)[0], small_room().record.frames[0]
    assert (frame.width, frame.height, frame.camera_model) == (1920, 1440, "pinhole")
    assert (frame.fx, frame.cx) == (true.fx * 3, true.cx * 3)
    assert (frame.fy, frame.cy) == (true.fy * 3, true.cy * 3)


@every_way("fisheye", "dslr-colmap")
def test_fisheye_pictures_keep_their_lens(scene):
    frame, true = frames(scene)[0], small_room().record.frames[0]
    assert frame.camera_model == "opencv_fisheye"
    assert frame.distortion == (0.03, -0.01, 0.002, -0.0005)
    assert (frame.width, frame.height, frame.fx) == (true.width, true.height, true.fx)


@every_way("undistorted")
def test_undistorted_pictures_have_none(scene):
    frame = frames(scene)[0]
    assert (frame.camera_model, frame.distortion) == ("pinhole", ())


@every_way("iphone-colmap", "iphone-transforms")
def test_the_phones_lens_is_kept_where_it_is_stated(scene):
    frame = frames(scene)[0]
    assert (frame.camera_model, frame.distortion) == ("opencv", (0.05, -0.06, 0.0004, -0.0003))


@every_way("arkit")
def test_intrinsics_follow_pictures_extracted_at_another_size(scene):
    for frame in frames(scene):
        put_picture(scene / "iphone" / "rgb" / f"{frame.frame_id}.jpg", (480, 360))
    frame, true = frames(scene)[0], small_room().record.frames[0]
    assert (frame.width, frame.height) == (480, 360)
    assert (frame.fx, frame.cy) == pytest.approx((true.fx * 0.75, true.cy * 0.75))


@every_way("undistorted")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"camera_model": "FOV"}, "camera_model is 'FOV', expected one of the camera models"),
        ({"camera_model": ["PINHOLE"]}, "camera_model is"),
        ({"w": 0}, "w is 0, expected a number from 1"),
        ({"fl_x": float("nan")}, "fl_x is nan"),
        ({"cx": "320"}, "cx is '320'"),
        ({"frames": {}}, "frames is {}"),
        ({"frames": [3]}, r"frames\[0\] is 3"),
        ({"frames": [{}]}, r"frames\[0\].file_path is missing"),
        ({"frames": [{"file_path": "../.."}]}, "expected a picture's file name"),
        ({"test_frames": 3}, "test_frames is 3"),
    ],
)
def test_what_is_no_transforms_file_is_named(scene, change, said):
    path = scene / "dslr" / "nerfstudio" / "transforms_undistorted.json"
    edit(path, lambda whole: whole.update(change))
    with pytest.raises(SceneFormatError, match=said):
        read(scene)


@every_way("undistorted")
def test_without_a_named_model_the_coefficients_tell(scene):
    path = scene / "dslr" / "nerfstudio" / "transforms_undistorted.json"
    edit(path, lambda whole: [whole.pop(key) for key in ("camera_model", "k3", "k4")])
    assert frames(scene)[0].camera_model == "opencv"
    edit(path, lambda whole: [whole.pop(key) for key in ("k1", "k2")])
    assert frames(scene)[0].camera_model == "pinhole"


@every_way("dslr-colmap")
def test_an_image_of_a_camera_nobody_states_is_named(scene):
    path = scene / "dslr" / "colmap" / "images.txt"
    path.write_text(path.read_text().replace(" 1 DSC", " 2 DSC"))
    with pytest.raises(SceneFormatError, match=r"is of camera 2, which cameras\.txt"):
        read(scene)


@every_way("arkit")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.update(first={}), "expected a frame's name such as frame_000000"),
        (lambda w: w.update(frame_000000=[]), r"frame_000000 is \[\], expected an object"),
    ],
)
def test_what_is_no_frame_is_named(scene, change, said):
    edit(scene / "iphone" / "pose_intrinsic_imu.json", change)
    with pytest.raises(SceneFormatError, match=said):
        read(scene)


# -- time ----------------------------------------------------------------------------------------


@every_way("arkit")
def test_the_clock_counts_from_the_first_frame(scene):
    truth = [frame.timestamp_s for frame in small_room().record.frames]
    assert [frame.timestamp_s for frame in frames(scene)] == pytest.approx(truth)
    edit(scene / "iphone" / "pose_intrinsic_imu.json", lambda w: w["frame_000000"].pop("intrinsic"))
    assert [frame.timestamp_s for frame in frames(scene)] == pytest.approx(truth[1:])


@every_way("arkit")
def test_a_video_at_its_rate_has_that_rate(scene):
    path = scene / "iphone" / "pose_intrinsic_imu.json"
    edit(path, lambda w: [e.update(timestamp=7 + i / 59.9) for i, e in enumerate(w.values())])
    assert read(scene).record.fps == 60
    edit(path, lambda w: [e.update(timestamp=7 + i / 10) for i, e in enumerate(w.values())])
    assert read(scene).record.fps == pytest.approx(10)


@every_way("arkit")
@pytest.mark.parametrize("stamp", [None, "later", float("nan"), -1e300, 10**400, 0.0])
def test_without_a_clock_frames_are_counted_at_sixty_a_second(scene, stamp):
    def spoil(whole):
        if stamp is None:
            whole["frame_000003"].pop("timestamp")
        else:
            whole["frame_000003"]["timestamp"] = stamp

    path = scene / "iphone" / "pose_intrinsic_imu.json"
    edit(path, spoil)
    record = read(scene).record
    assert [frame.timestamp_s * 60 for frame in record.frames] == pytest.approx(range(6))
    assert record.fps == 60


@every_way("iphone-colmap", "iphone-transforms")
def test_frames_named_by_their_number_are_timed_by_it(scene):
    folder = scene / "iphone"
    for path in (folder / "colmap" / "images.txt", folder / "nerfstudio" / "transforms.json"):
        if path.is_file():
            path.write_text(path.read_text().replace("frame_000005", "frame_000090"))
    record = read(scene).record
    assert (record.frames[-1].frame_id, record.frames[-1].timestamp_s) == ("frame_000090", 1.5)
    assert record.fps == 60


@every_way("fisheye")
def test_dslr_pictures_are_a_second_apart_in_order_of_names(scene):
    path = scene / "dslr" / "nerfstudio" / "transforms.json"
    edit(path, lambda whole: whole["frames"][1].update(is_bad=True))
    record = read(scene).record
    assert [frame.timestamp_s for frame in record.frames] == [0, 2, 3, 4, 5]
    assert [frame.frame_id for frame in record.frames] == [f"DSC0139{n}" for n in (1, 3, 4, 5, 6)]
    assert record.fps is None


# -- pictures and which description is used ------------------------------------------------------


@every_way("arkit")
def test_frames_are_the_videos_until_pictures_are_extracted(scene):
    assert [frame.image for frame in frames(scene)] == [None] * 6
    (scene / "iphone" / "rgb.mp4").write_bytes(b"video")
    assert frames(scene)[3].image == "iphone/rgb.mp4#3"
    (scene / "iphone" / "rgb.mkv").write_bytes(b"video")
    assert frames(scene)[3].image == "iphone/rgb.mkv#3"
    put_picture(scene / "iphone" / "rgb" / "frame_000003.jpg")
    put_picture(scene / "iphone" / "rgb" / "frame_000004.jpg")
    assert [frame.image for frame in frames(scene)] == [
        "iphone/rgb/frame_000003.jpg",
        "iphone/rgb/frame_000004.jpg",
    ]


@every_way("undistorted")
def test_frames_without_a_picture_are_left_out_where_pictures_exist(scene):
    folder = scene / "dslr" / "resized_undistorted_images"
    put_picture(folder / "DSC01393.JPG", (640, 480))
    (folder / "notes.txt").write_text("")
    (frame,) = frames(scene)
    assert frame.image == "dslr/resized_undistorted_images/DSC01393.JPG"
    assert frame.timestamp_s == 2


def test_the_first_description_with_pictures_is_used(tmp_path):
    scene = write(tmp_path, stream="both", dslr="fisheye")
    other = write(tmp_path / "other", stream="dslr")
    (scene / "dslr" / "colmap").mkdir()
    assert frames(scene)[0].frame_id == "frame_000000"
    put_picture(scene / "dslr" / "resized_images" / "DSC01391.JPG", (640, 480))
    assert [frame.image for frame in frames(scene)] == ["dslr/resized_images/DSC01391.JPG"]
    name = "dslr/nerfstudio/transforms_undistorted.json"
    (scene / name).write_bytes((other / name).read_bytes())
    assert frames(scene)[0].camera_model == "opencv_fisheye"
    put_picture(scene / "dslr" / "resized_undistorted_images" / "DSC01391.JPG", (640, 480))
    assert frames(scene)[0].camera_model == "pinhole"
    (scene / "iphone" / "rgb.mkv").write_bytes(b"video")
    assert frames(scene)[0].image == "iphone/rgb.mkv#0"


@every_way("arkit")
def test_a_scene_without_cameras_has_no_frames(scene):
    (scene / "iphone" / "pose_intrinsic_imu.json").unlink()
    record = read(scene).record
    assert (record.frames, record.fps) == ((), None)
    assert record.objects


@every_way("iphone-transforms", "dslr-colmap")
def test_any_bytes_of_a_description_are_frames_or_a_named_error(scene):
    path = next(p for p in scene.rglob("*") if p.name in ("transforms.json", "images.txt"))
    whole = path.read_bytes()
    draw = np.random.default_rng(3)
    for _ in range(80):
        at, cut = int(draw.integers(len(whole))), int(draw.integers(30))
        put = bytes(draw.integers(0, 256, int(draw.integers(6)), dtype=np.uint8))
        path.write_bytes(whole[:at] + put + whole[at + cut :])
        try:
            found = frames(scene)
        except SceneFormatError as error:
            message = str(error)
        else:
            assert all(np.isfinite(frame.camera_to_world).all() for frame in found)
            continue
        assert str(path) in message
        assert len(message.splitlines()) == 1
