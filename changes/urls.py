"""Every address of a change: lists, intake, steps, discussion."""

from django.urls import path, re_path, register_converter

from .converters import ReferenceConverter
from .views import (
    access_link,
    answers,
    approval_rules,
    as_file,
    calendar,
    checklist,
    confirmation_link,
    correct_comment,
    correct_record,
    detail,
    discussion,
    figures,
    follow_up,
    gallery,
    hand_over,
    home,
    import_changes,
    intake,
    labels,
    links,
    lists,
    mail,
    mail_log,
    many,
    notifications,
    palette,
    plan_steps,
    post_reviews,
    promises,
    proposed_answers,
    release_notes,
    releases,
    saved_views,
    secret_link,
    services,
    standard,
    steps,
    steps_anytime,  # noqa: F401
    steps_code,  # noqa: F401
    steps_configuration,  # noqa: F401
    steps_confirmation,  # noqa: F401
    templates,
    triage,
    unwatch_link,
    while_typing,
    windows,
)

register_converter(ReferenceConverter, "reference")

app_name = "changes"

list_urls = [
    path("", home.home, name="home"),
    path("changes/", lists.listing, name="list"),
    path("changes/export/", lists.export, name="export"),
    path("changes/filter/<slug:name>/", lists.menu, name="menu"),
    path("changes/columns/", lists.keep_columns, name="keep_columns"),
    path("changes/palette/", palette.palette, name="palette"),
]
notification_urls = [
    path("notifications/", notifications.listing, name="notifications"),
    path("notifications/choices/", notifications.news_choices, name="news"),
    path("notifications/read/", notifications.read_all, name="read_all"),
    path("notifications/<int:pk>/read/", notifications.mark, {"is_read": True}, name="mark_read"),
    path(
        "notifications/<int:pk>/unread/",
        notifications.mark,
        {"is_read": False},
        name="mark_unread",
    ),
]
view_urls = [
    path("changes/views/", saved_views.listing, name="saved_views"),
    path("changes/views/new/", saved_views.new, name="new_view"),
    path("changes/views/all/", saved_views.open_with_all, name="open_with_all"),
    path("changes/views/usual/", saved_views.open_as_usual, name="open_as_usual"),
    path("changes/views/<int:pk>/", saved_views.one, name="saved_view"),
    *[
        path(f"changes/views/<int:pk>/{name}/", saved_views.act, {"name": name}, name=name)
        for name in saved_views.ACTS
    ],
]
intake_urls = [
    path("changes/new/", intake.new, name="new"),
    path("changes/new/autosave/", while_typing.autosave, name="autosave"),
    path("changes/find-requester/", while_typing.find_requester, name="find_requester"),
    path("changes/similar/", while_typing.similar, name="similar"),
    path("changes/preview/", while_typing.preview_markdown, name="preview_markdown"),
    path("changes/<reference:pk>/edit/", intake.edit, name="edit"),
    path("changes/<reference:pk>/follow_up/", follow_up.follow_up, name="follow_up"),
    path("changes/<reference:pk>/copy_as_new/", follow_up.copy_as_new, name="copy_as_new"),
    path("changes/<reference:pk>/submit/", intake.submit, name="submit"),
]
template_urls = [
    path("approval-rules/", approval_rules.approval_rules, name="approval_rules"),
    path("approval-rules/new/", approval_rules.new_rule, name="new_approval_rule"),
    path("approval-rules/<int:pk>/", approval_rules.approval_rule, name="approval_rule"),
    path("approval-rules/<int:pk>/edit/", approval_rules.edit_rule, name="edit_approval_rule"),
    path("approval-rules/<int:pk>/end/", approval_rules.end_rule, name="end_approval_rule"),
    path("labels/", labels.labels, name="labels"),
    path("labels/find/", labels.find_label, name="find_label"),
    path("labels/<int:pk>/", labels.one_label, name="one_label"),
    path("labels/<int:pk>/merge/", labels.merge_label, name="merge_label"),
    path("services/", services.services, name="services"),
    path("services/find/", services.find_service, name="find_service"),
    path("services/<int:pk>/", services.service, name="service"),
    path("services/<int:pk>/needs/", services.add_dependency, name="add_dependency"),
    path("services/<int:pk>/free/", services.remove_dependency, name="remove_dependency"),
    path("templates/", templates.templates, name="templates"),
    path("templates/new/", templates.new_template, name="new_template"),
    path("templates/find/", templates.find_template, name="find_template"),
    path("templates/<int:pk>/", templates.template, name="template"),
    path("templates/<int:pk>/propose/", standard.propose_standard, name="propose_standard"),
]
standard_urls = [
    path("standard-changes/", standard.standard_changes, name="standard_changes"),
    path("standard-changes/candidates/", standard.standard_candidates, name="standard_candidates"),
    path("standard-changes/<int:pk>/", standard.standard_change, name="standard_change"),
    *[
        path(f"standard-changes/<int:pk>/{act}/", standard.act_on_standard, {"act": act}, name=act)
        for act in standard.ACTS
    ],
]
release_urls = [
    path("releases/", releases.release_list, name="releases"),
    path("releases/export/", releases.export_releases, name="export_releases"),
    path("releases/new/", releases.new_release, name="new_release"),
    path("releases/<int:pk>/", releases.release, name="release"),
    path("releases/<int:pk>/change/", releases.change_release, name="change_release"),
    path("releases/<int:pk>/notes/", release_notes.release_notes_page, name="release_notes"),
    path(
        "releases/<int:pk>/notes/file/",
        release_notes.release_notes_file,
        name="release_notes_file",
    ),
    *[
        path(f"releases/<int:pk>/{act}/", releases.act_on_release, {"act": act}, name=act)
        for act in releases.ACTS
    ],
]
promise_urls = [
    path("promises/", promises.promise_list, name="promises"),
    path("promises/ours/", promises.own_promise_list, name="own_promises"),
]
post_review_urls = [
    path("post-reviews/", post_reviews.post_reviews, name="post_reviews"),
    path(
        "changes/<reference:pk>/post-reviews/<int:review_pk>/",
        post_reviews.post_review,
        name="post_review",
    ),
    path(
        "changes/<reference:pk>/post-reviews/<int:review_pk>/actions/",
        post_reviews.add_post_action,
        name="add_post_action",
    ),
    path(
        "changes/<reference:pk>/post-actions/<int:action_pk>/change/",
        post_reviews.change_post_action,
        name="change_post_action",
    ),
    path(
        "changes/<reference:pk>/post-actions/<int:action_pk>/done/",
        post_reviews.complete_post_action,
        name="complete_post_action",
    ),
]
figure_urls = [
    path("figures/", figures.figures, name="figures"),
    path("figures/export/", figures.export_figures, name="export_figures"),
    path("figures/<slug:name>/", figures.figure, name="figure"),
]
calendar_urls = [
    path("calendar/", calendar.change_calendar, name="calendar"),
    path("calendar/windows/", windows.windows, name="windows"),
    path("calendar/windows/new/", windows.new_window, name="new_window"),
    path("calendar/windows/<int:pk>/", windows.window, name="window"),
    path("calendar/windows/<int:pk>/cancel/", windows.cancel_window, name="cancel_window"),
    path("calendar/windows/<int:pk>/override/", windows.override_window, name="override_window"),
    path("calendar/overrides/", windows.overrides, name="overrides"),
]
discussion_urls = [
    path("changes/<reference:pk>/tick_item/", checklist.tick_item, name="tick_item"),
    path("changes/<reference:pk>/tick_step/", plan_steps.tick_step, name="tick_step"),
    path("changes/find/", discussion.find_change, name="find_change"),
    path("changes/<reference:pk>/comment/", discussion.comment, name="comment"),
    path("changes/<reference:pk>/find-mention/", discussion.find_mention, name="find_mention"),
    path(
        "changes/<reference:pk>/comments/<int:comment_pk>/correct/",
        correct_comment.correct_comment,
        name="correct_comment",
    ),
    path(
        "changes/<reference:pk>/executions/<int:execution_pk>/correct/",
        correct_record.correct_execution,
        name="correct_execution",
    ),
    path(
        "changes/<reference:pk>/deployments/<int:deployment_pk>/correct/",
        correct_record.correct_deployment,
        name="correct_deployment",
    ),
    path(
        "changes/<reference:pk>/take_back_execution/",
        correct_record.take_back_execution,
        name="take_back_execution",
    ),
    path(
        "changes/<reference:pk>/take_back_deployment/",
        correct_record.take_back_deployment,
        name="take_back_deployment",
    ),
    path("changes/<reference:pk>/attach/", discussion.attach, name="attach"),
    path(
        "changes/<reference:pk>/attachments/<int:attachment_pk>/",
        discussion.attachment,
        name="attachment",
    ),
    path("changes/<reference:pk>/link/", discussion.link, name="link"),
    path("changes/<reference:pk>/links/<int:link_pk>/unlink/", discussion.unlink, name="unlink"),
    path("changes/<reference:pk>/watch/", discussion.watch, name="watch"),
    path("changes/<reference:pk>/unwatch/", discussion.unwatch, name="unwatch"),
    path("changes/<reference:pk>/mute/", discussion.mute, name="mute"),
    path("changes/<reference:pk>/unmute/", discussion.unmute, name="unmute"),
    path("changes/<reference:pk>/label/", labels.label, name="label"),
    path("changes/<reference:pk>/labels/<int:label_pk>/unlabel/", labels.unlabel, name="unlabel"),
    path("changes/<reference:pk>/send_link/", links.send_link, name="send_link"),
    path("changes/<reference:pk>/revoke_links/", links.revoke_links, name="revoke_links"),
    path("requesters/<int:pk>/successor/", hand_over.hand_over, name="hand_over"),
]
many_urls = [
    path("changes/many/", many.act_on_many, name="act_on_many"),
    path("changes/many/<int:pk>/", many.many_run, name="many_run"),
    path("changes/many/<int:pk>/progress/", many.many_progress, name="many_progress"),
]
story_urls = [
    path("changes/<reference:pk>/", detail.detail, name="detail"),
    path("changes/<reference:pk>/pdf/", as_file.change_pdf, name="change_pdf"),
    path("changes/<reference:pk>/mail/", mail_log.log, name="mail_log"),
    path(
        "changes/<reference:pk>/mail/<int:problem_pk>/settle/",
        mail_log.settle_delivery,
        name="settle_delivery",
    ),
    path("answers/mail-problems/", mail_log.problems, name="mail_problems"),
]
# The address of a step is its verb; ``@step`` has noted its view.
step_urls = [
    path(f"changes/<reference:pk>/{verb}/", view, name=verb) for verb, view in steps.VIEWS.items()
]
answer_urls = [
    path("answers/", answers.waiting_answers, name="waiting_answers"),
    path("answers/ratings/", answers.ratings, name="ratings"),
    path("answers/ratings/export/", answers.export_ratings, name="export_ratings"),
]
mail_urls = [
    path("r/", secret_link.new_link, name="new_link"),
    re_path(
        r"^(?P<page>r|confirm|unwatch)/(?P<token>[\w=-]{16,100})/?(?P<rest>[^\w/=-]{1,20})/?$",
        secret_link.with_more_behind,
    ),
    path("r/<str:token>/", access_link.request_page, name="request_page"),
    path("r/<str:token>/files/<int:attachment_pk>/", access_link.request_file, name="request_file"),
    path("confirm/<str:token>/", confirmation_link.confirmation, name="confirmation"),
    path("unwatch/<str:token>/", unwatch_link.unwatch_by_link, name="unwatch_by_link"),
    path("mail/", mail.mail, name="mail"),
    path("mail/<int:pk>/", mail.mail_message, name="mail_message"),
    path("mail/<int:pk>/body/", mail.mail_body, name="mail_body"),
    path("mail/<int:pk>/files/<int:file_pk>/", mail.mail_file, name="mail_file"),
]
triage_urls = [
    path("triage/", triage.triage, name="triage"),
    path("triage/<int:pk>/", triage.triage_mail, name="triage_mail"),
    path("triage/<int:pk>/request/", triage.accept_mail_as_request, name="accept_mail_as_request"),
    path("triage/<int:pk>/comment/", triage.accept_mail_as_comment, name="accept_mail_as_comment"),
    path("triage/<int:pk>/discard/", triage.discard_mail, name="discard_mail"),
    path("triage/<int:pk>/wait/", triage.put_back_mail, name="put_back_mail"),
    path(
        "changes/<reference:pk>/answers/<int:proposal_pk>/accept/",
        proposed_answers.accept_answer,
        name="accept_answer",
    ),
    path(
        "changes/<reference:pk>/answers/<int:proposal_pk>/discard/",
        proposed_answers.discard_answer,
        name="discard_answer",
    ),
]
import_urls = [
    path("import/", import_changes.imports, name="import"),
    path("import/<int:pk>/", import_changes.import_run, name="import_run"),
    path("import/<int:pk>/progress/", import_changes.import_progress, name="import_progress"),
    path("import/<int:pk>/problems/", import_changes.import_problems, name="import_problems"),
]
gallery_urls = [
    path("gallery/", gallery.gallery, name="gallery"),
    path("gallery/progress/", gallery.gallery_progress, name="gallery_progress"),
]

urlpatterns = [
    *list_urls,
    *notification_urls,
    *view_urls,
    *intake_urls,
    *template_urls,
    *standard_urls,
    *release_urls,
    *promise_urls,
    *post_review_urls,
    *figure_urls,
    *calendar_urls,
    *discussion_urls,
    *many_urls,
    *story_urls,
    *step_urls,
    *answer_urls,
    *mail_urls,
    *triage_urls,
    *import_urls,
    *gallery_urls,
]
